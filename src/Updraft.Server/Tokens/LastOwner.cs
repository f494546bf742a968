using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>
/// Whether a user who can sign in owns an Organization. A delegate, because Users are built on Tokens; Users registers it.
/// </summary>
internal delegate Task<bool> IsOwnedByUser(OrganizationId organization, CancellationToken cancellationToken);

/// <summary>Ensures that an Organization keeps an owner: a valid owner token, or a user.</summary>
internal sealed class LastOwner(UpdraftDbContext db, IsOwnedByUser isOwnedByUser, TimeProvider clock)
{
    /// <summary>Call it after a change was saved and before it is committed.</summary>
    /// <exception cref="ApiException">400: the Organization would have no owner.</exception>
    public async Task RejectNoneAsync(OrganizationId organization, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (!await db.ApiTokens.AnyAsync(row => row.OrganizationId == organization && row.RevokedAt == null
            && (row.ExpiresAt == null || row.ExpiresAt > now)
            && row.Grants.Any(grant => grant.Role == Role.OrganizationOwner), cancellationToken)
            && !await isOwnedByUser(organization, cancellationToken))
            throw new ApiException(TokenErrors.LastOwner, "This is the last owner of the Organization. Add another owner first.");
    }
}
