DROP INDEX `findings_unexplained`;--> statement-breakpoint
CREATE INDEX `findings_open` ON `findings` (`opened_at`,`key`) WHERE state = 'open';--> statement-breakpoint
CREATE INDEX `findings_open_of_run` ON `findings` (`run`,`opened_at`,`key`) WHERE state = 'open';--> statement-breakpoint
CREATE INDEX `findings_unexplained` ON `findings` (`run`,`key`) WHERE explanation is null;--> statement-breakpoint
CREATE INDEX `runs_running` ON `runs` (`created_at`,`key`) WHERE status = 'running';