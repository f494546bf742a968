namespace Updraft.Server.Database.Migrations.Sqlite;

/// <summary>Fills the columns of the migration SearchColumns in existing rows, from the JSON columns next to them.</summary>
internal static class SearchColumnRows
{
    public const string Fill = """
        UPDATE deploys SET
            created_by_id = COALESCE(json_extract(created_by, '$.id'), ''),
            created_by_name = COALESCE(json_extract(created_by, '$.name'), ''),
            created_by_full_name = json_extract(created_by, '$.fullName'),
            git_text = COALESCE((SELECT group_concat(value, char(10)) FROM json_each(git) WHERE key <> 'provider'), '')
            WHERE json_valid(created_by);
        UPDATE events SET
            actor_id = COALESCE(json_extract("by", '$.id'), ''),
            actor_name = COALESCE(json_extract("by", '$.name'), ''),
            actor_full_name = json_extract("by", '$.fullName'),
            detail_text = COALESCE((SELECT group_concat(value, char(10)) FROM json_each(details)), '')
            WHERE json_valid("by");
        UPDATE api_tokens SET
            created_by_id = COALESCE(json_extract(created_by, '$.id'), ''),
            updated_by_id = COALESCE(json_extract(updated_by, '$.id'), '')
            WHERE json_valid(created_by) AND json_valid(updated_by);
        """;
}
