CREATE TABLE `project_settings` (
	`project` text PRIMARY KEY NOT NULL,
	`overrides` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `run_settings` (
	`run` integer PRIMARY KEY NOT NULL,
	`overrides` text NOT NULL
);
