using System.Buffers;
using System.Collections.ObjectModel;
using System.Text.Json;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>
/// A page of the history as JSON. The CLI and pipelines repeat this request, so its deploys are cached until the server commits a
/// transaction: as text if all callers get the same text, otherwise as the rows of the database.
/// </summary>
internal sealed class ShowDeployPage(IServiceScopeFactory scopes, ReadCache cache, FindDeployPage find, DescribeDeploy describe,
    PublishedTypes types)
{
    // Bytes of one page. Larger pages are rare, and would fill the cache.
    private const int MaxCached = 128 * 1024;

    private static readonly IReadOnlyDictionary<string, string> NoVersions = ReadOnlyDictionary<string, string>.Empty;

    /// <exception cref="ApiException">404: no such Deployment.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> RunAsync(Subject subject, DeploymentId deploymentId, Paging paging,
        CancellationToken cancellationToken)
    {
        var (cached, key) = (cache.Current, (deploymentId, paging));
        var page = cached?.Find<Page>(key);
        if (page?.NeedsAgents == false)
            return page.Text ?? Write(subject, page, paging, NoVersions);
        await using var scope = scopes.CreateAsyncScope();
        if (page is null)
        {
            var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
            page = Read(await find.RunAsync(db, deploymentId, paging, cancellationToken), subject, paging);
            if (page.Size <= MaxCached)
                cached?.Add(key, page, page.Size);
        }
        var running = !page.NeedsAgents ? NoVersions
            : await scope.ServiceProvider.GetRequiredService<CurrentVersions>().ReadAsync(deploymentId, cancellationToken);
        return page.Text ?? Write(subject, page, paging, running);
    }

    private Page Read(DeployPage found, Subject subject, Paging paging)
    {
        var rows = found.Rows.Select(row => row.IsSameForAllCallers
            ? new Row(null, JsonSerializer.SerializeToUtf8Bytes(
                types.Apply(describe.Run(subject, found.Workspace, row, NoVersions)), ApiJson.Default.DeployResponse))
            : new Row(row, null)).ToList();
        var page = new Page(found.Total, found.Workspace, rows, null);
        return rows.TrueForAll(row => row.Text is not null)
            ? page with { Text = Write(subject, page, paging, NoVersions).ToArray(), Rows = [] }
            : page;
    }

    private ReadOnlyMemory<byte> Write(Subject subject, Page page, Paging paging, IReadOnlyDictionary<string, string> running)
    {
        var text = new ArrayBufferWriter<byte>(page.Size + 256);
        using (var writer = new Utf8JsonWriter(text))
        {
            // The members of DeploysPaginated. Its serializer accepts no deploy that is text already.
            writer.WriteStartObject();
            writer.WriteStartArray("deploys");
            foreach (var row in page.Rows)
            {
                if (row.Deploy is { } deploy)
                    JsonSerializer.Serialize(writer, types.Apply(describe.Run(subject, page.Workspace, deploy, running)),
                        ApiJson.Default.DeployResponse);
                else
                    writer.WriteRawValue(row.Text, skipInputValidation: true);
            }
            writer.WriteEndArray();
            writer.WriteNumber("limit", paging.Limit);
            writer.WriteNumber("offset", paging.Offset);
            writer.WriteNumber("totalCount", page.Total);
            writer.WriteEndObject();
        }
        return text.WrittenMemory;
    }

    /// <summary>A deploy: as JSON if all callers get the same text, otherwise as the rows of the database.</summary>
    private sealed record Row(DeployWithRevision? Deploy, byte[]? Text)
    {
        /// <summary>Bytes, estimated for rows of the database. Their mounts need most of the memory.</summary>
        public int Size => Text?.Length ?? (4096 + (512 * (Deploy?.Revision?.Mounts.Count ?? 0)));
    }

    /// <param name="Total">Number of deploys on all pages.</param>
    /// <param name="Workspace">The Workspace of the Deployment.</param>
    /// <param name="Rows">The deploys; empty if <paramref name="Text"/> has them.</param>
    /// <param name="Text">The whole page as JSON; null if callers get different text.</param>
    private sealed record Page(long Total, WorkspaceId Workspace, List<Row> Rows, byte[]? Text)
    {
        /// <summary>Whether the text depends on the versions that live agents report.</summary>
        public bool NeedsAgents => Rows.Exists(row => row.Deploy?.Revision is not null);

        public int Size => (Text?.Length ?? 0) + Rows.Sum(row => row.Size);
    }
}
