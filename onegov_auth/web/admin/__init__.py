"""The administration: the frame of its pages, and the pages of the users."""
