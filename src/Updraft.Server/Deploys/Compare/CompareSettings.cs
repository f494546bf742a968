using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys.Compare;

/// <summary>Finds the differences of two deploys except files: image, versions of runtime and bundles, setting, commit.</summary>
/// <exception cref="ApiException">400: a deploy was never finalized. 404: no such deploy in the Deployment.</exception>
internal sealed class CompareSettings(UpdraftDbContext db, DeployQueries queries)
{
    private const string Image = "image", Version = "version", Config = "config", Git = "git";

    private static readonly string[] Order = [Image, Version, Config, Git];

    public async Task<DeployDiffResponse> RunAsync(Subject subject, DeploymentId deploymentId, DeployId before, DeployId after,
        CancellationToken cancellationToken)
    {
        var old = await queries.GetAsync(subject, deploymentId, before, cancellationToken);
        var @new = await queries.GetAsync(subject, deploymentId, after, cancellationToken);
        var oldFields = Fields(old, await RevisionAsync(before, cancellationToken));
        var newFields = Fields(@new, await RevisionAsync(after, cancellationToken));
        return new()
        {
            Changes = Compare(oldFields, newFields),
            DeployBefore = old.ToAlpha(),
            DeployAfter = @new.ToAlpha(),
        };
    }

    private async Task<Revision> RevisionAsync(DeployId id, CancellationToken cancellationToken) =>
        await db.Deploys.AsNoTracking().Where(row => row.Id == id)
            .Join(db.Revisions.AsNoTracking(), deploy => new { deploy.DeploymentId, Number = deploy.Revision },
                revision => new { revision.DeploymentId, Number = (long?)revision.Number }, (_, revision) => revision)
            .SingleOrDefaultAsync(cancellationToken)
            ?? throw DeployRules.NotFinalized(id);

    private static List<(string Category, string Field, string? Value)> Fields(DeployResponse deploy, Revision revision) =>
    [
        (Image, "imageRepository", revision.ImageTag.Length > 0 ? revision.ImageRepository : null),
        (Image, "imageTag", revision.ImageTag.Length > 0 ? revision.ImageTag : null),
        (Image, "imageDigest", revision.ImageDigest),
        (Version, "runtimeVersion", deploy.AstroRuntimeVersion),
        (Version, "airflowVersion", deploy.AirflowVersion),
        (Version, "dagTarballVersion", revision.Dags?.Version),
        .. revision.Mounts.Where(mount => mount.Path != Bundle.MainPath)
            .Select(mount => (Version, $"bundles[{mount.MountPath}].desiredVersion", (string?)mount.Version)),
        (Config, "isDagDeployEnabled", revision.IsDagDeployEnabled ? "true" : "false"),
        (Git, "git.commitSha", deploy.Git?.CommitSha),
        (Git, "git.branch", deploy.Git?.Branch),
        (Git, "git.repo", deploy.Git is { Account: { } account, Repo: { } repo } ? $"{account}/{repo}" : deploy.Git?.RemoteUrl),
        (Git, "git.path", deploy.Git?.Path),
    ];

    private static List<DeployFieldChange> Compare(List<(string Category, string Field, string? Value)> before,
        List<(string Category, string Field, string? Value)> after)
    {
        var old = before.ToDictionary(row => row.Field, row => row.Value, StringComparer.Ordinal);
        var @new = after.ToDictionary(row => row.Field, row => row.Value, StringComparer.Ordinal);
        return [.. before.Concat(after).Select(row => (row.Category, row.Field)).Distinct()
            .Select(row => new DeployFieldChange
            {
                Category = row.Category,
                Field = row.Field,
                Old = old.GetValueOrDefault(row.Field),
                New = @new.GetValueOrDefault(row.Field),
            })
            .Where(change => change.Old != change.New)
            .OrderBy(change => Array.IndexOf(Order, change.Category))];
    }
}
