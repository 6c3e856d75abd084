CREATE TABLE `stretches` (
	`rowid` integer PRIMARY KEY NOT NULL,
	`run` integer NOT NULL,
	`metric` integer NOT NULL,
	`start` integer NOT NULL,
	`next` integer NOT NULL,
	`figures` blob NOT NULL,
	`norms` blob
);
--> statement-breakpoint
CREATE UNIQUE INDEX `stretches_by_start` ON `stretches` (`run`,`metric`,`start`);--> statement-breakpoint
CREATE INDEX `stretches_by_next` ON `stretches` (`run`,`next`);