"""Every sentence below the faces, in Chinese and English; one file a room and language, read by `catalogue`."""
