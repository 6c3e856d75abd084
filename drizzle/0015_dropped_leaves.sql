CREATE TABLE `dropped_leaves` (
	`run` integer PRIMARY KEY NOT NULL,
	`start` integer NOT NULL
);
