// A throw-away OpenID provider for tests and the demo: the certified oidc-provider with accounts and clients read from
// files, so that they can change while it runs. Started by onegov_auth.testing.servers.oidc with its directory.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import Provider, { errors } from 'oidc-provider';
// Not part of oidc-provider's documented interface; the lock file pins the version that has it.
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

const directory = process.argv[2];
const read = (name) => JSON.parse(readFileSync(join(directory, name), 'utf-8'));
const settings = read('settings.json');
const accounts = () => read('accounts.json');

const memory = createMemoryAdapter();
const clientAdapter = { find: async (id) => read('clients.json').find((client) => client.client_id === id) };
const adapter = (model) => (model === 'Client' ? clientAdapter : memory(model));

// New keys at every start: a restart is a key rotation.
const signingKeys = () => [
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('ed25519'),
].map(({ privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), use: 'sig' }));

const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const page = (title, body) => `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 22rem; margin: 4rem auto; padding: 0 1rem; }
  label, input, button { display: block; width: 100%; box-sizing: border-box; margin-top: .5rem; font: inherit; }
  input, button { padding: .5rem; }
</style></head>
<body><h1>${escaped(title)}</h1>${body}</body>
</html>`;

const loginPage = (uid, message = '') => page('Log in to Company', `
<p role="alert">${escaped(message)}</p>
<form method="post" action="/interaction/${escaped(uid)}/login">
  <label>User name <input name="login" autocomplete="username" autofocus required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button type="submit">Log in</button>
</form>
<p><a href="/interaction/${escaped(uid)}/abort">Cancel</a></p>`);

const findAccount = async (_ctx, id) => {
  const account = accounts().find((each) => each.sub === id);
  return account && {
    accountId: id,
    claims: async () => Object.fromEntries(
      Object.entries(account).filter(([name]) => !['login', 'password', 'amr', 'acr'].includes(name)),
    ),
  };
};

// Consent is given for everything asked for, silently: the tests are about who somebody is.
const loadExistingGrant = async (ctx) => {
  const { client, session, params, provider } = ctx.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
};

const show = (title, text) => async (ctx) => {
  ctx.type = 'html';
  ctx.body = page(title, `<p>${escaped(text)}</p>`);
};

const configuration = {
  adapter,
  findAccount,
  loadExistingGrant,
  jwks: { keys: signingKeys() },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
  claims: {
    openid: ['sub'],
    profile: ['name', 'given_name', 'family_name', 'preferred_username', 'groups'],
    email: ['email', 'email_verified'],
    groups: ['groups'],
    acr: null,
    amr: null,
    sid: null,
    auth_time: null,
    iss: null,
  },
  acrValues: ['urn:example:strong'],
  conformIdTokenClaims: !settings.id_token_claims,
  pkce: { required: () => true },
  responseTypes: ['code'],
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  ttl: {
    AccessToken: 3600, AuthorizationCode: 60, Grant: 86400, IdToken: 3600, Interaction: 3600, RefreshToken: 86400,
    Session: 86400,
  },
  // For every client that is registered for them, without the scope offline_access and its consent page.
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  // Whom it tells of a logout is on this machine, which its own guard against such addresses would not let it call.
  fetch: (url, { dispatcher: _guard, ...options }) => globalThis.fetch(url, options),
  clientBasedCORS: () => false,
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    claimsParameter: { enabled: true },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: async (ctx, form) => {
        ctx.type = 'html';
        ctx.body = page('Log out of Company?', `${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Yes, log out</button>
<button type="submit" form="op.logoutForm">No, stay logged in</button>`);
      },
      postLogoutSuccessSource: show('Logged out', 'You are logged out of Company.'),
    },
  },
  renderError: async (ctx, out) => {
    ctx.type = 'html';
    ctx.body = page('That did not work', `<p>${escaped(out.error)}</p><p>${escaped(out.error_description)}</p>`);
  },
};

const provider = new Provider(settings.issuer, configuration);
for (const event of ['server_error', 'authorization.error', 'grant.error', 'backchannel.error']) {
  provider.on(event, (_ctx, error) => console.error(event, error.message, error.error_detail ?? ''));
}

const form = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return new URLSearchParams(Buffer.concat(parts).toString('utf-8'));
};

const send = (response, status, body) => {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(body);
};

const logIn = async (request, response, uid) => {
  const given = await form(request);
  const account = accounts().find((each) => (each.login ?? each.sub) === given.get('login'));
  if (!account || account.password !== given.get('password')) {
    return send(response, 401, loginPage(uid, 'User name or password is wrong.'));
  }
  const { sub: accountId, amr, acr } = account;
  // With prompt=consent, which offline_access needs, whoever logs in has consented as well.
  return provider.interactionFinished(request, response, { login: { accountId, amr, acr }, consent: {} });
};

const interact = async (request, response, uid, action) => {
  await provider.interactionDetails(request, response); // refuses a foreign browser
  if (action === undefined) return send(response, 200, loginPage(uid));
  if (action === 'login' && request.method === 'POST') return logIn(request, response, uid);
  if (action !== 'abort') return send(response, 404, page('Not found', ''));
  const error = new errors.AccessDenied('the person cancelled');
  const result = { error: error.error, error_description: error.error_description };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
};

const application = provider.callback();
createServer((request, response) => {
  const [, uid, action] = /^\/interaction\/([^/?]+)(?:\/(\w+))?$/.exec(request.url) ?? [];
  if (uid === undefined) {
    application(request, response);
    return;
  }
  interact(request, response, uid, action).catch((error) => {
    console.error(error);
    send(response, 400, page('That did not work', `<p>${escaped(error.message)}</p>`));
  });
}).listen(settings.port, '127.0.0.1');
