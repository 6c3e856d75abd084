CREATE TABLE `run_events` (
	`run` integer NOT NULL,
	`step` integer NOT NULL,
	`label` text NOT NULL,
	`time` real NOT NULL,
	`text` text,
	PRIMARY KEY(`run`, `step`, `label`)
);
