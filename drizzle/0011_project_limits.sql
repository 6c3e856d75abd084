CREATE TABLE `project_limits` (
	`project` text PRIMARY KEY NOT NULL,
	`max_runs` integer,
	`max_points` integer
);
