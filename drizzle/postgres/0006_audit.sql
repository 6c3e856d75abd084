CREATE TABLE "audit" (
	"number" bigint PRIMARY KEY NOT NULL,
	"at" bigint NOT NULL,
	"actor_id" text collate "C",
	"actor" text collate "C" NOT NULL,
	"action" text collate "C" NOT NULL,
	"target_kind" text collate "C" NOT NULL,
	"target" text collate "C",
	"project" text collate "C",
	"address" text collate "C",
	"detail" text collate "C",
	"hash" text collate "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit_head" (
	"one" integer PRIMARY KEY NOT NULL,
	"last" bigint NOT NULL,
	"hash" text collate "C" NOT NULL,
	"anchor" bigint NOT NULL,
	"anchor_hash" text collate "C" NOT NULL
);
--> statement-breakpoint
CREATE INDEX "audit_by_action" ON "audit" USING btree ("action","number");--> statement-breakpoint
CREATE INDEX "audit_by_project" ON "audit" USING btree ("project","number");