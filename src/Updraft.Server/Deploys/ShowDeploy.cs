using System.Text.Json;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>One deploy as JSON: what clients that wait for a deploy ask again and again, so its text is kept until something is written.</summary>
internal sealed class ShowDeploy(IServiceScopeFactory scopes, ReadCache cache)
{
    // Most deploys take one; a few very long ones need not push out the others.
    private const int MostKept = 8 * 1024;

    /// <summary>The deploy.</summary>
    /// <exception cref="ApiException">404: no such deploy in the Deployment.</exception>
    public async ValueTask<byte[]> RunAsync(Subject subject, DeploymentId deploymentId, DeployId deployId, CancellationToken cancellationToken)
    {
        var (memory, key) = (cache.Current, (deploymentId, deployId));
        if (memory?.Find<byte[]>(key) is { } known)
            return known;
        await using var scope = scopes.CreateAsyncScope();
        var deploy = await scope.ServiceProvider.GetRequiredService<DeployQueries>().GetAsync(subject, deploymentId, deployId, cancellationToken);
        var text = JsonSerializer.SerializeToUtf8Bytes(deploy, ApiJson.Default.DeployResponse);
        if (IsForAll(deploy) && text.Length <= MostKept)
            memory?.Add(key, text);
        return text;
    }

    /// <summary>An address to upload to is for some, and for a time; what its bundles run depends on which agents are alive.</summary>
    private static bool IsForAll(DeployResponse deploy) =>
        !string.Equals(deploy.Status, nameof(DeployStatus.Initialized), StringComparison.OrdinalIgnoreCase)
        && deploy.Bundles is null or { Count: 0 };
}
