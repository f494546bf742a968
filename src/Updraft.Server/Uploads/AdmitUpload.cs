using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Uploads;

/// <summary>
/// Whether the user or token that created a deploy is still valid. A delegate, because Deploys are built on Uploads; Deploys registers it.
/// </summary>
internal delegate Task<bool> IsCreatorValid(DeployId deploy, CancellationToken cancellationToken);

/// <summary>
/// Checks that a deploy still accepts uploads. The check runs before the server reads the body, and again in the transaction that records
/// the upload. The deploy may be finalized in the meantime.
/// </summary>
/// <exception cref="ApiException">
/// 403: the deploy is finalized, or its creator is no longer valid. 404: the deploy does not exist, or its Deployment is deleted. 409 and
/// 412: a condition is not met.
/// </exception>
internal sealed class AdmitUpload(UpdraftDbContext db, IsCreatorValid isCreatorValid)
{
    public async Task CheckAsync(UploadGrant grant, UploadConditions conditions, CancellationToken cancellationToken)
    {
        await CheckAsync(db, grant, conditions, cancellationToken);
        if (!await isCreatorValid(grant.Deploy, cancellationToken))
        {
            throw BlobError.Of(UploadErrors.CreatorInvalid, "AuthorizationFailure",
                $"The user or token that created the deploy '{grant.Deploy}' is no longer valid, so its upload URL is not either. "
                + "Create a new deploy with a valid token.");
        }
    }

    public static async Task CheckAsync(UpdraftDbContext db, UploadGrant grant, UploadConditions conditions,
        CancellationToken cancellationToken)
    {
        var (deployment, deploy, purpose) = grant;
        var found = await (from slot in db.UploadSlots
                           where slot.DeployId == deploy && slot.Purpose == purpose && slot.DeploymentId == deployment
                           join target in db.Deployments on slot.DeploymentId equals target.Id
                           where target.DeletedAt == null
                           select new { slot.ClosedAt })
            .SingleOrDefaultAsync(cancellationToken);
        if (found is null)
            throw BlobError.Of(RequestErrors.NotFound, "ResourceNotFound",
                $"The deploy '{deploy}' of the upload URL does not exist. Create a new deploy.");
        if (found.ClosedAt is not null)
            throw BlobError.Of(UploadErrors.UploadClosed, "AuthorizationFailure",
                $"The deploy '{deploy}' was finalized and accepts no further uploads. Create a new deploy.");
        if (!conditions.IsEmpty)
            conditions.Check(await LatestUpload.FindAsync(db, grant, cancellationToken));
    }
}
