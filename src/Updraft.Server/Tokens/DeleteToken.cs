using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Ends a token: in this process at once, in others within 5 seconds.</summary>
internal sealed class DeleteToken(UpdraftDbContext db, TokenCache cache, TimeProvider clock)
{
    /// <param name="visible">The tokens that the caller may delete.</param>
    /// <param name="id">The token.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ApiException">404: none of these. 400: the last token that can do everything.</exception>
    public async Task RunAsync(IQueryable<ApiToken> visible, TokenId id, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var row = await visible.AsTracking().SingleOrDefaultAsync(token => token.Id == id, cancellationToken)
            ?? throw ApiException.NotFound("token", id.Value);
        var now = clock.GetUtcNow();
        if (row.Role == Role.OrganizationOwner && !await db.ApiTokens.AnyAsync(other => other.OrganizationId == row.OrganizationId
            && other.Id != id && other.Role == Role.OrganizationOwner && other.RevokedAt == null
            && (other.ExpiresAt == null || other.ExpiresAt > now), cancellationToken))
            throw ApiException.BadRequest("This is the Organization's last owner token; create another one before deleting it.");
        row.RevokedAt = now;
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        cache.Forget(row.Hash);
    }
}
