using System.Text.Json;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>
/// One deploy as JSON. Clients that wait for a deploy repeat this request, so the text is cached until the server commits a transaction.
/// </summary>
internal sealed class ShowDeploy(IServiceScopeFactory scopes, ReadCache cache, PublishedTypes types)
{
    // Bytes. Most deploys need about 1 KiB; a few very long ones must not evict the others.
    private const int MaxCached = 8 * 1024;

    /// <exception cref="ApiException">404: no such deploy in the Deployment.</exception>
    public async ValueTask<byte[]> RunAsync(Subject subject, DeploymentId deploymentId, DeployId deployId,
        CancellationToken cancellationToken)
    {
        var (cached, key) = (cache.Current, (deploymentId, deployId));
        if (cached?.Find<byte[]>(key) is { } known)
            return known;
        await using var scope = scopes.CreateAsyncScope();
        var deploy = await scope.ServiceProvider.GetRequiredService<DeployQueries>()
            .GetAsync(subject, deploymentId, deployId, cancellationToken);
        var text = JsonSerializer.SerializeToUtf8Bytes(types.Apply(deploy), ApiJson.Default.DeployResponse);
        if (IsSameForAllCallers(deploy) && text.Length <= MaxCached)
            cached?.Add(key, text, text.Length);
        return text;
    }

    /// <summary>
    /// Upload URLs expire and are for some callers only. Current versions of bundles depend on the live agents, which time alone can
    /// change.
    /// </summary>
    private static bool IsSameForAllCallers(DeployResponse deploy) =>
        !string.Equals(deploy.Status, nameof(DeployStatus.Initialized), StringComparison.OrdinalIgnoreCase)
        && deploy.Bundles is null or { Count: 0 };
}
