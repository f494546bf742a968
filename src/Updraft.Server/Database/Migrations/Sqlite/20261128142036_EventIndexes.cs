using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class EventIndexes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_events_deployment_id_at_id",
                table: "events");

            migrationBuilder.DropIndex(
                name: "ix_events_workspace_id_at_id",
                table: "events");

            migrationBuilder.CreateIndex(
                name: "ix_events_organization_id_deployment_id_at_id",
                table: "events",
                columns: new[] { "organization_id", "deployment_id", "at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_events_organization_id_workspace_id_at_id",
                table: "events",
                columns: new[] { "organization_id", "workspace_id", "at", "id" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_events_organization_id_deployment_id_at_id",
                table: "events");

            migrationBuilder.DropIndex(
                name: "ix_events_organization_id_workspace_id_at_id",
                table: "events");

            migrationBuilder.CreateIndex(
                name: "ix_events_deployment_id_at_id",
                table: "events",
                columns: new[] { "deployment_id", "at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_events_workspace_id_at_id",
                table: "events",
                columns: new[] { "workspace_id", "at", "id" });
        }
    }
}
