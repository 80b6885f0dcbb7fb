-- Version 9: what the office's first page asks, without a look at every record.

CREATE INDEX record_form ON record (form) WHERE own = 1;
CREATE INDEX record_entered ON record (wall_ms, form) WHERE own = 1;
CREATE INDEX record_changed ON record (changed);
-- Of those entered here, the ones to which something came after their entry.
CREATE INDEX record_touched ON record (changed) WHERE own = 1 AND changed > wall_ms;
CREATE INDEX record_conflict ON record (id) WHERE conflicts > 0;
-- Changes, apart from what created their records: there are few.
CREATE INDEX op_change ON op (id, record) WHERE record <> id;
