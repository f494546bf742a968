using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Tenancy : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "default_cloud_provider",
                table: "workspaces",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "default_cluster_id",
                table: "workspaces",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "default_region",
                table: "workspaces",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "allow_enhanced_support_access",
                table: "organizations",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "billing_email",
                table: "organizations",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "has_ai_features_disabled",
                table: "organizations",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "is_scim_enabled",
                table: "organizations",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "should_enforce_dedicated_clusters",
                table: "organizations",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "default_cloud_provider",
                table: "workspaces");

            migrationBuilder.DropColumn(
                name: "default_cluster_id",
                table: "workspaces");

            migrationBuilder.DropColumn(
                name: "default_region",
                table: "workspaces");

            migrationBuilder.DropColumn(
                name: "allow_enhanced_support_access",
                table: "organizations");

            migrationBuilder.DropColumn(
                name: "billing_email",
                table: "organizations");

            migrationBuilder.DropColumn(
                name: "has_ai_features_disabled",
                table: "organizations");

            migrationBuilder.DropColumn(
                name: "is_scim_enabled",
                table: "organizations");

            migrationBuilder.DropColumn(
                name: "should_enforce_dedicated_clusters",
                table: "organizations");
        }
    }
}
