using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class ImageRollouts : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "has_given_up",
                table: "revision_reports",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "steps",
                table: "revision_reports",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "status_reason",
                table: "deploys",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "image",
                table: "agents",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "image_driver",
                table: "agents",
                type: "TEXT",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_agents_deployment_id",
                table: "agents",
                column: "deployment_id",
                filter: "image_driver IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_agents_deployment_id",
                table: "agents");

            migrationBuilder.DropColumn(
                name: "has_given_up",
                table: "revision_reports");

            migrationBuilder.DropColumn(
                name: "steps",
                table: "revision_reports");

            migrationBuilder.DropColumn(
                name: "status_reason",
                table: "deploys");

            migrationBuilder.DropColumn(
                name: "image",
                table: "agents");

            migrationBuilder.DropColumn(
                name: "image_driver",
                table: "agents");
        }
    }
}
