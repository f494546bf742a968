using Microsoft.EntityFrameworkCore;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Uploads;

/// <summary>
/// Says whether an upload is wanted: before its body is read, and again inside the transaction that records it, since
/// the deploy may be finalized in between.
/// </summary>
/// <exception cref="ApiException">403: the deploy was finalized. 404: no such deploy, or its Deployment was deleted.</exception>
internal sealed class AdmitUpload(UpdraftDbContext db)
{
    public Task CheckAsync(UploadGrant address, CancellationToken cancellationToken) => CheckAsync(db, address, cancellationToken);

    public static async Task CheckAsync(UpdraftDbContext db, UploadGrant address, CancellationToken cancellationToken)
    {
        var (deployment, deploy, purpose) = address;
        var found = await (from slot in db.UploadSlots
                           where slot.DeployId == deploy && slot.Purpose == purpose && slot.DeploymentId == deployment
                           join target in db.Deployments on slot.DeploymentId equals target.Id
                           where target.DeletedAt == null
                           select new { slot.ClosedAt })
            .SingleOrDefaultAsync(cancellationToken);
        if (found is null)
            throw BlobError.Of(StatusCodes.Status404NotFound, "ResourceNotFound", $"There is no deploy '{deploy}' to upload to.");
        if (found.ClosedAt is not null)
            throw BlobError.Of(StatusCodes.Status403Forbidden, "AuthorizationFailure",
                $"The deploy '{deploy}' was finalized and takes no more uploads; create a new deploy.");
    }
}
