from logging.config import dictConfig

dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
                "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            },
            "json": {"format": "%(message)s"},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
            "logins": {"class": "logging.handlers.WatchedFileHandler", "filename": "auth.log", "formatter": "line"},
            "events": {"class": "logging.handlers.WatchedFileHandler", "filename": "events.jsonl", "formatter": "json"},
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "onegov_auth": {"level": "INFO", "handlers": ["logins"]},
            "onegov_auth.events": {"level": "INFO", "handlers": ["events"], "propagate": False},
        },
    }
)
