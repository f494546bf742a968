using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class SearchColumns : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "actor_full_name",
                table: "events",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "actor_id",
                table: "events",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "actor_name",
                table: "events",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "detail_text",
                table: "events",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "created_by_full_name",
                table: "deploys",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "created_by_id",
                table: "deploys",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "created_by_name",
                table: "deploys",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "git_text",
                table: "deploys",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "created_by_id",
                table: "api_tokens",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "updated_by_id",
                table: "api_tokens",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.Sql(SearchColumnRows.Fill);

            migrationBuilder.CreateIndex(
                name: "ix_deploys_deployment_id_created_by_id_number",
                table: "deploys",
                columns: new[] { "deployment_id", "created_by_id", "number" });

            migrationBuilder.CreateIndex(
                name: "ix_api_tokens_organization_id_created_by_id",
                table: "api_tokens",
                columns: new[] { "organization_id", "created_by_id" });

            migrationBuilder.CreateIndex(
                name: "ix_api_tokens_organization_id_updated_by_id",
                table: "api_tokens",
                columns: new[] { "organization_id", "updated_by_id" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_deploys_deployment_id_created_by_id_number",
                table: "deploys");

            migrationBuilder.DropIndex(
                name: "ix_api_tokens_organization_id_created_by_id",
                table: "api_tokens");

            migrationBuilder.DropIndex(
                name: "ix_api_tokens_organization_id_updated_by_id",
                table: "api_tokens");

            migrationBuilder.DropColumn(
                name: "actor_full_name",
                table: "events");

            migrationBuilder.DropColumn(
                name: "actor_id",
                table: "events");

            migrationBuilder.DropColumn(
                name: "actor_name",
                table: "events");

            migrationBuilder.DropColumn(
                name: "detail_text",
                table: "events");

            migrationBuilder.DropColumn(
                name: "created_by_full_name",
                table: "deploys");

            migrationBuilder.DropColumn(
                name: "created_by_id",
                table: "deploys");

            migrationBuilder.DropColumn(
                name: "created_by_name",
                table: "deploys");

            migrationBuilder.DropColumn(
                name: "git_text",
                table: "deploys");

            migrationBuilder.DropColumn(
                name: "created_by_id",
                table: "api_tokens");

            migrationBuilder.DropColumn(
                name: "updated_by_id",
                table: "api_tokens");
        }
    }
}
