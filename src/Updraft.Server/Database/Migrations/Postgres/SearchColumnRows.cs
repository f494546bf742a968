namespace Updraft.Server.Database.Migrations.Postgres;

/// <summary>Fills the columns of the migration SearchColumns in existing rows, from the JSON columns next to them.</summary>
internal static class SearchColumnRows
{
    public const string Fill = """
        UPDATE deploys SET
            created_by_id = COALESCE(created_by::json ->> 'id', ''),
            created_by_name = COALESCE(created_by::json ->> 'name', ''),
            created_by_full_name = created_by::json ->> 'fullName',
            git_text = COALESCE((SELECT string_agg(value, E'\n') FROM json_each_text(git::json) WHERE key <> 'provider'), '');
        UPDATE events SET
            actor_id = COALESCE("by"::json ->> 'id', ''),
            actor_name = COALESCE("by"::json ->> 'name', ''),
            actor_full_name = "by"::json ->> 'fullName',
            detail_text = COALESCE((SELECT string_agg(value, E'\n') FROM json_each_text(details::json)), '');
        UPDATE api_tokens SET
            created_by_id = COALESCE(created_by::json ->> 'id', ''),
            updated_by_id = COALESCE(updated_by::json ->> 'id', '');
        """;
}
