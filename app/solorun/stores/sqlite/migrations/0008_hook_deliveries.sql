-- The last delivery to each hook.

CREATE TABLE hook_deliveries (
    project TEXT NOT NULL,
    hook TEXT NOT NULL,
    delivered_at BIGINT NOT NULL,
    event TEXT NOT NULL,
    outcome TEXT NOT NULL,
    run_id BIGINT,
    reason TEXT NOT NULL,
    PRIMARY KEY (project, hook)
);
