using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.Bundles;

/// <summary>Reads and writes the table <c>bundle_contents</c>, which has a row for every content that a Deployment ever had.</summary>
internal static class BundleContentQueries
{
    /// <summary>Most contents of one query.</summary>
    public const int BatchSize = 256;

    private const string Insert = """
        INSERT INTO bundle_contents (deployment_id, content, pack_id, "offset", length)
        VALUES (@deployment, @content, @pack, @offset, @length) ON CONFLICT DO NOTHING
        """;

    private const string InsertAll = """
        INSERT INTO bundle_contents (deployment_id, content, pack_id, "offset", length)
        SELECT @deployment, content, @pack, "offset", length FROM unnest(@contents, @offsets, @lengths) AS entry (content, "offset", length)
        ON CONFLICT DO NOTHING
        """;

    /// <summary>Finds the packs of contents of a Deployment. Unknown contents are absent from the result.</summary>
    public static async Task<Dictionary<Digest, PackLocation>> FindContentsAsync(this UpdraftDbContext db, DeploymentId deployment,
        IEnumerable<Digest> contents, CancellationToken cancellationToken)
    {
        var found = new Dictionary<Digest, PackLocation>();
        foreach (var batch in contents.Distinct().Chunk(BatchSize))
        {
            var rows = db.BundleContents.AsNoTracking()
                .Where(row => row.DeploymentId == deployment && batch.Contains(row.Content))
                .AsAsyncEnumerable();
            await foreach (var row in rows.WithCancellation(cancellationToken))
                found.Add(row.Content, new PackLocation(row.PackId, row.Offset, row.Length));
        }
        return found;
    }

    /// <summary>
    /// Records the contents of a pack in the current transaction. It bypasses the change tracker, which needs seconds for a large bundle.
    /// The row of a content that another upload has recorded in the meantime does not change.
    /// </summary>
    public static async Task InsertContentsAsync(this UpdraftDbContext db, DeploymentId deployment, string packId,
        IReadOnlyList<PackEntry> entries, CancellationToken cancellationToken)
    {
        await using var command = db.Database.GetDbConnection().CreateCommand();
        command.Transaction = db.Database.CurrentTransaction!.GetDbTransaction();
        Add("@deployment", deployment.Value);
        if (db.Database.IsNpgsql())
        {
            // One statement per content would need minutes over a network, and the Deployment is locked until then.
            command.CommandText = InsertAll;
            Add("@pack", packId);
            Add("@contents", entries.Select(entry => entry.Content.ToArray()).ToArray());
            Add("@offsets", entries.Select(entry => entry.Offset).ToArray());
            Add("@lengths", entries.Select(entry => entry.Length).ToArray());
            await command.ExecuteNonQueryAsync(cancellationToken);
            return;
        }
        command.CommandText = Insert;
        var content = Add("@content", Array.Empty<byte>());
        Add("@pack", packId);
        var offset = Add("@offset", 0L);
        var length = Add("@length", 0L);
        await command.PrepareAsync(cancellationToken);
        foreach (var entry in entries)
        {
            content.Value = entry.Content.ToArray();
            (offset.Value, length.Value) = (entry.Offset, entry.Length);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        DbParameter Add(string name, object value)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
            return parameter;
        }
    }
}
