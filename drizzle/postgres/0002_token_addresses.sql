ALTER TABLE "tokens" ADD COLUMN "addresses" text collate "C";--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "created_by" text collate "C";