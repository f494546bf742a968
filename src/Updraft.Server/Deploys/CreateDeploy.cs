using System.Globalization;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;
using Updraft.Server.Uploads;

namespace Updraft.Server.Deploys;

/// <summary>
/// Writes down the intent to deploy and opens what it needs to upload. Clients often abandon a deploy after this, so it
/// holds nothing that another deploy could wait for.
/// </summary>
/// <exception cref="ApiException">
/// 400: the request, or the type for this Deployment. 403: CI/CD is enforced. 404: no such Deployment.
/// </exception>
internal sealed class CreateDeploy(UpdraftDbContext db, TimeProvider clock, IOptions<ServerOptions> options)
{
    private const int MaxBundleType = 64;

    public async Task<DeployId> RunAsync(Subject subject, DeploymentId deploymentId, CreateDeployRequest request,
        CancellationToken cancellationToken)
    {
        var type = DeployTypeNames.Parse(request.Type);
        TextLimit.Check(request.Description, "description", TextLimit.Description);
        var git = GitBlock.Read(request.Git);
        MountPath? mount = type == DeployType.Bundle ? MountPath.Parse(request.BundleMountPath, options.Value.AirflowHome) : null;
        var bundleType = type == DeployType.Bundle ? BundleType(request.BundleType) : null;

        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        deployment.CheckCicd(subject);
        deployment.CheckType(type);
        var newest = await db.Revisions.AsNoTracking()
            .SingleOrDefaultAsync(row => row.DeploymentId == deploymentId && row.Number == deployment.Revision, cancellationToken);
        mount?.CheckAgainst(newest?.Mounts ?? []);

        var now = clock.GetUtcNow();
        var deploy = new Deploy
        {
            Id = new(EntityId.New(clock)),
            DeploymentId = deploymentId,
            Number = deployment.NextDeployNumber(),
            Type = type,
            Description = request.Description,
            Git = git,
            BundleMountPath = mount?.Absolute,
            BundleType = bundleType,
            ImageRepository = $"{options.Value.Registry}/{deployment.OrganizationId}/{deploymentId}",
            ImageTag = type.HasImage() ? FreshTag(now) : newest?.ImageTag ?? "",
            IsDagDeployEnabled = deployment.IsDagDeployEnabled,
            CreatedAt = now,
            CreatedBy = subject.Profile,
            UpdatedAt = now,
            UpdatedBy = subject.Profile,
        };
        db.Deploys.Add(deploy);
        if (deploy.Upload is { } purpose)
            db.UploadSlots.Add(new() { DeployId = deploy.Id, Purpose = purpose, DeploymentId = deploymentId, CreatedAt = now });
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return deploy.Id;
    }

    private static string BundleType(string? text)
    {
        if (string.IsNullOrEmpty(text))
            throw ApiException.BadRequest("The field 'bundleType' is required for the type BUNDLE, e.g. dbt.");
        TextLimit.Check(text, "bundleType", MaxBundleType);
        if (text[0] == '$' || text != text.Trim() || text.EnumerateRunes().Any(IsInvisible))
            throw ApiException.BadRequest($"The bundleType '{ApiException.Shorten(text)}' is not a plain word: it must not begin with $, "
                + "begin or end with a space, or contain control characters.");
        return text;
    }

    private static bool IsInvisible(System.Text.Rune rune) => System.Text.Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    /// <summary>A tag that says when; the random end tells apart what was created in the same second.</summary>
    private static string FreshTag(DateTimeOffset now) =>
        $"deploy-{now.UtcDateTime.ToString("yyyy-MM-dd'T'HH-mm-ss", CultureInfo.InvariantCulture)}-"
        + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 5);
}
