using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class TraceParents : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "trace_parent",
                table: "revisions",
                type: "character varying(55)",
                maxLength: 55,
                nullable: true,
                collation: "C");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "trace_parent",
                table: "revisions");
        }
    }
}
