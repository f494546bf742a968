using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Events : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "events",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    at = table.Column<long>(type: "bigint", nullable: false),
                    type = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    organization_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    workspace_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true, collation: "C"),
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true, collation: "C"),
                    deploy_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true, collation: "C"),
                    by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    target_type = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    target_id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    target_name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    details = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    request_id = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    is_pending = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_events", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_events_at",
                table: "events",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_events_at_id",
                table: "events",
                columns: new[] { "at", "id" },
                filter: "is_pending");

            migrationBuilder.CreateIndex(
                name: "ix_events_deployment_id_at_id",
                table: "events",
                columns: new[] { "deployment_id", "at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_events_organization_id_at_id",
                table: "events",
                columns: new[] { "organization_id", "at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_events_organization_id_type_at_id",
                table: "events",
                columns: new[] { "organization_id", "type", "at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_events_workspace_id_at_id",
                table: "events",
                columns: new[] { "workspace_id", "at", "id" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "events");
        }
    }
}
