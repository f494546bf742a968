using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Sqlite
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
                    id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    type = table.Column<string>(type: "TEXT", nullable: false),
                    organization_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    workspace_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    deploy_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    by = table.Column<string>(type: "TEXT", nullable: false),
                    target_type = table.Column<string>(type: "TEXT", nullable: false),
                    target_id = table.Column<string>(type: "TEXT", nullable: false),
                    target_name = table.Column<string>(type: "TEXT", nullable: false),
                    details = table.Column<string>(type: "TEXT", nullable: false),
                    request_id = table.Column<string>(type: "TEXT", nullable: true),
                    is_pending = table.Column<bool>(type: "INTEGER", nullable: false)
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
