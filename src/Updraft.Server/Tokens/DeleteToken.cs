using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Deletes a token. All replicas reject it from the next request on.</summary>
internal sealed class DeleteToken(UpdraftDbContext db, TokenCache cache, LastOwner lastOwner, TimeProvider clock, EventLog events)
{
    /// <param name="subject">The caller.</param>
    /// <param name="visible">The tokens that the caller sees.</param>
    /// <param name="id">ID of the token.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ApiException">
    /// 400: the token is the last owner of the Organization. 403: the token has roles in scopes where the caller may not manage tokens.
    /// 404: the caller sees no such token.
    /// </exception>
    public async Task RunAsync(Subject subject, IQueryable<ApiToken> visible, TokenId id, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var row = await visible.AsTracking().SingleOrDefaultAsync(token => token.Id == id, cancellationToken)
            ?? throw ApiException.NotFound("token", id.Value);
        if (row.Kind == TokenKind.Api)
            ChangeToken.RejectForeign(subject, row);
        row.RevokedAt = clock.GetUtcNow();
        events.Record(row.Kind == TokenKind.Agent ? EventTypes.AgentTokenDeleted : EventTypes.TokenDeleted, subject.Profile, row);
        await db.SaveChangesAsync(cancellationToken);
        await lastOwner.RejectNoneAsync(row.OrganizationId, cancellationToken);
        await write.CommitAsync(cancellationToken);
        cache.Forget();
    }
}
