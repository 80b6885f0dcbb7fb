-- Version 10: whether a backup of the hub has a file is told by the number of the backup, not by clocks.

-- Number of the hub's last backup that was begun when the hub said that it has the file; NULL: not heard yet.
ALTER TABLE attachment ADD COLUMN after_backup INTEGER;
