using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;
using Updraft.Server.Tokens;
using Updraft.Server.Users;

namespace Updraft.Server.SignIn;

/// <summary>
/// Deactivates and activates users, and ends their sessions. The caller manages users in the whole Organization, and has all permissions of
/// the user. API tokens that the user created belong to the Organization, so they stay.
/// </summary>
internal sealed class ChangeUserStatus(UpdraftDbContext db, TokenCache cache, LastOwner lastOwner, TimeProvider clock, EventLog events)
{
    /// <summary>Sets the status. A deactivation ends all sessions and logins of the user with the response.</summary>
    /// <exception cref="ApiException">
    /// 400: the user is the last owner. 403: the user has more permissions than the caller, or the caller's token has an expiry and the
    /// user would be activated. 404: the user does not exist.
    /// </exception>
    public Task<User> SetAsync(Subject subject, UserId id, UserStatus status, CancellationToken cancellationToken) =>
        ChangeAsync(subject, id, async user =>
        {
            if (user.Status == status)
                return;
            if (status == UserStatus.Active)
                await CreateToken.RejectShortLivedAsync(db, subject, "activate a user", cancellationToken);
            (user.Status, user.UpdatedAt) = (status, clock.GetUtcNow());
            if (status == UserStatus.Inactive)
                await db.EndSessionsAsync(id, clock.GetUtcNow(), cancellationToken);
            events.RecordStatus(subject.Profile, user);
        }, cancellationToken);

    /// <summary>Ends all sessions and logins of a user, who can sign in again.</summary>
    /// <exception cref="ApiException">403: the user has more permissions than the caller. 404: the user does not exist.</exception>
    public Task EndSessionsAsync(Subject subject, UserId id, CancellationToken cancellationToken) =>
        ChangeAsync(subject, id, async user =>
        {
            await db.EndSessionsAsync(id, clock.GetUtcNow(), cancellationToken);
            events.RecordEndOfSessions(subject.Profile, user);
        }, cancellationToken);

    private async Task<User> ChangeAsync(Subject subject, UserId id, Func<User, Task> change, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var user = await db.Users.SingleOrDefaultAsync(row => row.Id == id && row.OrganizationId == subject.Organization, cancellationToken)
            ?? throw ApiException.NotFound("user", id.Value);
        foreach (var grant in user.Grants)
            ResolveRoleScope.RejectPrivilegeEscalation(subject, grant, Permission.ManageUsers);
        await change(user);
        await db.SaveChangesAsync(cancellationToken);
        await lastOwner.RejectNoneAsync(user.OrganizationId, cancellationToken);
        await write.CommitAsync(cancellationToken);
        cache.Forget();
        return user;
    }
}
