using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Security;
using Updraft.Server.Tokens;
using Updraft.Server.Users;

namespace Updraft.Server.Deploys;

/// <summary>Checks the user or token that created a deploy. Without it, an upload URL would outlive its token.</summary>
internal sealed class FindCreator(UpdraftDbContext db, TimeProvider clock)
{
    /// <summary>Whether the creator may still use the server; false for an unknown deploy.</summary>
    public async Task<bool> IsValidAsync(DeployId deploy, CancellationToken cancellationToken)
    {
        var creator = await db.Deploys.AsNoTracking().Where(row => row.Id == deploy).Select(row => row.CreatedBy)
            .SingleOrDefaultAsync(cancellationToken);
        if (creator is null)
            return false;
        if (creator.Kind == SubjectKind.User)
        {
            var user = new UserId(creator.Id);
            return await db.Users.AnyAsync(row => row.Id == user && row.Status == UserStatus.Active, cancellationToken);
        }
        var (token, now) = (new TokenId(creator.Id), clock.GetUtcNow());
        return await db.ApiTokens.AnyAsync(
            row => row.Id == token && row.RevokedAt == null && (row.ExpiresAt == null || row.ExpiresAt > now), cancellationToken);
    }
}
