using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Whether a person who can sign in owns an Organization; filled by Users.</summary>
internal delegate Task<bool> IsOwnedByUser(OrganizationId organization, CancellationToken cancellationToken);

/// <summary>An Organization keeps somebody who can do everything: an owner's token that has not ended, or a person.</summary>
internal sealed class LastOwner(UpdraftDbContext db, IsOwnedByUser isOwnedByPerson, TimeProvider clock)
{
    /// <summary>Looks after a change was saved and before it is committed.</summary>
    /// <exception cref="ApiException">400: nobody would be left.</exception>
    public async Task RejectNoneAsync(OrganizationId organization, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (!await db.ApiTokens.AnyAsync(row => row.OrganizationId == organization && row.RevokedAt == null
            && (row.ExpiresAt == null || row.ExpiresAt > now)
            && row.Grants.Any(grant => grant.Role == Role.OrganizationOwner), cancellationToken)
            && !await isOwnedByPerson(organization, cancellationToken))
            throw ApiException.BadRequest("This is the Organization's last owner; make another owner first.");
    }
}
