CREATE TABLE "used_states" (
	"state" text collate "C" PRIMARY KEY NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "opened_at" bigint;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "person" text collate "C";--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "id_token" text collate "C";