using System.Security.Claims;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;
using Updraft.Server.Tokens;
using Updraft.Server.Users;

namespace Updraft.Server.SignIn;

/// <summary>Creates or updates the user of a sign-in: name, email address, and the roles that their claims grant.</summary>
internal sealed class SignInUser(UpdraftDbContext db, IOptions<SignInOptions> options, LastOwner lastOwner, TokenCache cache,
    TimeProvider clock,
    EventLog events)
{
    private const int MaxText = 255;

    /// <exception cref="ApiException">403: the provider sends no email address, or the user may not sign in.</exception>
    public async Task<User> RunAsync(string issuer, IReadOnlyCollection<Claim> claims, CancellationToken cancellationToken)
    {
        var externalId = Find(claims, "sub") ?? throw MissingClaim("sub");
        var email = Find(claims, "email") ?? throw MissingClaim("email");
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var organization = await db.Organizations.OrderBy(row => row.CreatedAt).Select(row => row.Id).FirstAsync(cancellationToken);
        await db.LockOrganizationAsync(organization, cancellationToken);
        var now = clock.GetUtcNow();
        var user = await db.Users.SingleOrDefaultAsync(row => row.Issuer == issuer && row.ExternalId == externalId, cancellationToken);
        var isNew = user is null;
        if (user is null)
        {
            user = new User
            {
                Id = new UserId(EntityId.New(clock)),
                OrganizationId = organization,
                Issuer = issuer,
                ExternalId = externalId,
                Username = email,
                FullName = email,
                CreatedAt = now,
                UpdatedAt = now,
            };
            db.Users.Add(user);
        }
        if (user.Status != UserStatus.Active)
            throw new ApiException(SignInErrors.AccountInactive,
                "Your account is inactive. Ask an owner of the Organization to activate it.");
        (user.Username, user.FullName) = (email, Find(claims, "name") ?? email);
        user.AvatarUrl = Find(claims, "picture") is { } picture && !picture.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
            && Uri.TryCreate(picture, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" ? picture : "";
        user.UpdatedAt = now;
        var before = user.CopyGrants();
        await GrantAsync(user, isNew, claims, cancellationToken);
        if (isNew)
            events.RecordCreation(user);
        else if (user.HasOtherGrantsThan(before))
            events.RecordRoles(user.ToSubject().Profile, user, before, SessionEvents.Provider);
        await db.SaveChangesAsync(cancellationToken);
        await lastOwner.RejectNoneAsync(user.OrganizationId, cancellationToken);
        await write.CommitAsync(cancellationToken);
        cache.Forget();
        return user;
    }

    private async Task GrantAsync(User user, bool isNew, IReadOnlyCollection<Claim> claims, CancellationToken cancellationToken)
    {
        var mapped = new List<Grant>();
        foreach (var rule in options.Value.Roles.Where(rule => claims.Any(claim => claim.Type == rule.Claim && claim.Value == rule.Value)))
        {
            if (await ResolveAsync(user, rule, cancellationToken) is { } grant && !mapped.Exists(other => other.EntityId == grant.EntityId))
                mapped.Add(grant);
        }
        // Roles that an owner granted stay. Roles from claims are replaced at each sign-in.
        var granted = user.Grants.Where(grant => !grant.IsFromClaims).ToList();
        var before = user.Grants.Where(grant => grant.IsFromClaims).ToList();
        user.Grants.ReplaceWith([.. granted, .. mapped.Where(grant => !granted.Exists(other => other.EntityId == grant.EntityId))]);
        foreach (var grant in before.Where(grant => grant.Role == Role.OrganizationOwner && !user.Grants.Contains(grant)))
        {
            // The last owner stays owner regardless of claims. Without an owner, no user could restore the role.
            if (!await HasOtherOwnerAsync(user, cancellationToken))
                user.Grants.ReplaceWith([.. user.Grants.Where(other => other.EntityId != grant.EntityId), grant]);
        }

        var hasOrganizationRole = user.Grants.Exists(grant => grant.WorkspaceId is null);
        if (IsFirstOwner(user.Username, claims) && !await db.Users.AnyAsync(row => row.OrganizationId == user.OrganizationId
            && row.Grants.Any(grant => grant.Role == Role.OrganizationOwner), cancellationToken))
            user.Grants.ReplaceWith([.. user.Grants.Where(grant => grant.WorkspaceId is not null),
                Grant.For(Role.OrganizationOwner, user.OrganizationId, null, null)]);
        else if (isNew && !hasOrganizationRole && RoleCatalog.Find(options.Value.DefaultRole) is { } role)
            user.Grants.Add(Grant.For(role, user.OrganizationId, null, null));
    }

    private async Task<bool> HasOtherOwnerAsync(User user, CancellationToken cancellationToken) => await db.ApiTokens.AnyAsync(row =>
            row.OrganizationId == user.OrganizationId && row.RevokedAt == null && row.ExpiresAt == null
            && row.Grants.Any(grant => grant.Role == Role.OrganizationOwner), cancellationToken)
        || await db.Users.AnyAsync(row => row.OrganizationId == user.OrganizationId && row.Id != user.Id
            && row.Status == UserStatus.Active && row.Grants.Any(grant => grant.Role == Role.OrganizationOwner), cancellationToken);

    private async Task<Grant?> ResolveAsync(User user, RoleByClaim rule, CancellationToken cancellationToken)
    {
        var role = RoleCatalog.Find(rule.Role)!.Value;
        WorkspaceId? workspace = rule.WorkspaceId is null ? null : new WorkspaceId(rule.WorkspaceId);
        DeploymentId? deployment = null;
        if (rule.DeploymentId is { } text)
        {
            deployment = new DeploymentId(text);
            workspace = await db.Deployments.Where(row => row.Id == deployment && row.OrganizationId == user.OrganizationId
                && row.DeletedAt == null)
                .Select(row => (WorkspaceId?)row.WorkspaceId).SingleOrDefaultAsync(cancellationToken);
            // A rule for a deleted Deployment grants nothing. In particular, it grants no wider scope.
            if (workspace is null)
                return null;
        }
        var grant = Grant.For(role, user.OrganizationId, workspace, deployment);
        grant.IsFromClaims = true;
        return grant;
    }

    private bool IsFirstOwner(string email, IReadOnlyCollection<Claim> claims) =>
        email.Equals(options.Value.FirstOwner, StringComparison.OrdinalIgnoreCase)
        && (options.Value.TrustEmail || "true".Equals(Find(claims, "email_verified"), StringComparison.OrdinalIgnoreCase));

    private static string? Find(IReadOnlyCollection<Claim> claims, string type) =>
        claims.FirstOrDefault(claim => claim.Type == type)?.Value is { Length: > 0 and <= MaxText } value && !value.Any(char.IsControl)
            ? value : null;

    private static ApiException MissingClaim(string claim) => new(SignInErrors.ClaimMissing,
        $"The identity provider did not send the claim '{claim}'. An operator must configure the provider to send it.");
}
