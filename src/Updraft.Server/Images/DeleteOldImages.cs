using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.Images;

/// <summary>
/// Deletes images that no deploy needs any longer, at the start and every hour. The leader does it. See
/// <see cref="DeleteDeploymentImages"/>.
/// </summary>
internal sealed class DeleteOldImages(LeaderElection lead, IServiceScopeFactory scopes, IOptions<ImageOptions> options, TimeProvider clock,
    ILogger<DeleteOldImages> log) : HourlyWork(lead, clock, log, WorkName)
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "delete_old_images";

    private bool _hasWarned;

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Registry is null)
        {
            Log.LogWarning("Images:RegistryUrl is not set. The server records the tags of image deploys as clients send them, even if no "
                + "such image was pushed, and it does not delete old images.");
        }
        return options.Value.Registry is null || options.Value.KeepFor == TimeSpan.Zero
            ? Task.CompletedTask : base.ExecuteAsync(stoppingToken);
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        List<DeploymentId> deployments;
        await using (var scope = scopes.CreateAsyncScope())
            deployments = await scope.ServiceProvider.GetRequiredService<DeleteDeploymentImages>().ListDeploymentsAsync(cancellationToken);
        foreach (var deployment in deployments)
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                if (await scope.ServiceProvider.GetRequiredService<DeleteDeploymentImages>().RunAsync(deployment, cancellationToken))
                    continue;
                WarnThatDeletionIsOff();
                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                // A repository that the registry cannot read must not stop the deletion in the other ones.
                Log.LogWarning(exception, "Could not delete old images of {Deployment}; retrying in an hour.", deployment);
            }
        }
    }

    private void WarnThatDeletionIsOff()
    {
        if (_hasWarned)
            return;
        _hasWarned = true;
        Log.LogWarning("The registry rejects deletions, so old images stay. Set storage.delete.enabled to true in its configuration, or "
            + "set Images:KeepFor to 0 to keep all images.");
    }
}
