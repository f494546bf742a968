using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Tokens;

/// <summary>Makes API tokens and agent tokens. Nobody can make a token that may do, see or last more than the own one.</summary>
internal sealed class CreateToken(UpdraftDbContext db, IssueToken issueToken)
{
    private const int MaxName = 255, MaxDays = 3650;

    /// <exception cref="ApiException">
    /// 400: a bad field. 404: no such Workspace or Deployment that the caller sees. 403: more than the caller's own token has.
    /// </exception>
    public async Task<(ApiToken Row, string Token)> RunAsync(Subject subject, CreateApiTokenRequest request,
        CancellationToken cancellationToken)
    {
        var order = Order(subject, TokenKind.Api, ReadRole(request), request.Name, request.Description, request.TokenExpiryPeriodInDays);
        if (request.Kind is not (null or "STANDARD"))
            throw ApiException.BadRequest("'kind' must be STANDARD.");
        var scope = order.Role.Scope();
        if (scope != RoleScope.Organization && string.IsNullOrEmpty(request.EntityId))
            throw ApiException.BadRequest($"'entityId' is missing; it names the {scope} that the token is for.");

        await using var write = await db.BeginWriteAsync(cancellationToken);
        order = scope switch
        {
            RoleScope.Workspace => order with { Workspace = await FindWorkspaceAsync(subject, request.EntityId!, cancellationToken) },
            RoleScope.Deployment => await WithDeploymentAsync(subject, order, request.EntityId!, cancellationToken),
            _ => order,
        };
        RefuseMorePower(subject, order);
        return await SaveAsync(subject, order, write, cancellationToken);
    }

    /// <summary>Makes a token for the agents of one Deployment; it can do nothing but what agents do.</summary>
    /// <exception cref="ApiException">400: a bad field. 403: it would outlive the caller's own token. 404: no such Deployment.</exception>
    public async Task<(ApiToken Row, string Token)> RunAsync(Subject subject, DeploymentId deployment, CreateAgentTokenRequest request,
        CancellationToken cancellationToken)
    {
        var order = Order(subject, TokenKind.Agent, Role.Agent, request.Name, request.Description, request.TokenExpiryPeriodInDays);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        order = await WithDeploymentAsync(subject, order, deployment.Value, cancellationToken);
        return await SaveAsync(subject, order, write, cancellationToken);
    }

    private async Task<(ApiToken Row, string Token)> SaveAsync(Subject subject, TokenOrder order, WriteTransaction write,
        CancellationToken cancellationToken)
    {
        var creator = new TokenId(subject.Id);
        var creatorEnds = await db.ApiTokens.Where(row => row.Id == creator).Select(row => row.ExpiresAt)
            .SingleOrDefaultAsync(cancellationToken);
        var (row, token) = issueToken.Run(order);
        if (creatorEnds is { } limit && (row.ExpiresAt is null || row.ExpiresAt > limit))
            throw Refused($"The token would outlive the one that makes it, which ends at {limit:yyyy-MM-dd'T'HH:mm:ss'Z'}.");
        db.ApiTokens.Add(row);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return (row, token);
    }

    private static Role ReadRole(CreateApiTokenRequest request)
    {
        var scope = TextLimit.OneOf(request.Scope ?? "", "scope", "", "ORGANIZATION", "WORKSPACE", "DEPLOYMENT");
        var role = RoleTable.Find(request.Role ?? "");
        if (role is null or Role.Agent)
            throw ApiException.BadRequest($"'role' is '{ApiException.Shorten(request.Role ?? "")}', which is no role of API tokens.");
        if (!role.Value.Scope().ToString().Equals(scope, StringComparison.OrdinalIgnoreCase))
            throw ApiException.BadRequest($"The role {request.Role} cannot be given for the scope {scope}.");
        return role.Value;
    }

    private static TokenOrder Order(Subject subject, TokenKind kind, Role role, string? name, string? description, int? days)
    {
        TextLimit.Check(description, "description", TextLimit.Description);
        if (days is < 1 or > MaxDays)
            throw ApiException.BadRequest($"'tokenExpiryPeriodInDays' must be 1 to {MaxDays}.");
        return new TokenOrder
        {
            Kind = kind,
            Role = role,
            Organization = subject.Organization,
            Name = TextLimit.Name(name, "name", MaxName),
            Description = description ?? "",
            ExpiryPeriodInDays = days,
            CreatedBy = subject.Profile,
        };
    }

    private async Task<WorkspaceId> FindWorkspaceAsync(Subject subject, string entity, CancellationToken cancellationToken)
    {
        var id = new WorkspaceId(entity);
        var isThere = await db.Workspaces.AnyAsync(row => row.Id == id && row.OrganizationId == subject.Organization, cancellationToken);
        return isThere && (subject.Workspace is null || subject.Workspace == id) ? id : throw ApiException.NotFound("Workspace", entity);
    }

    private async Task<TokenOrder> WithDeploymentAsync(Subject subject, TokenOrder order, string entity,
        CancellationToken cancellationToken)
    {
        var id = new DeploymentId(entity);
        var workspace = await db.Deployments
            .Where(row => row.Id == id && row.OrganizationId == subject.Organization && row.DeletedAt == null)
            .Select(row => (WorkspaceId?)row.WorkspaceId).SingleOrDefaultAsync(cancellationToken);
        if (workspace is null || (subject.Workspace is { } only && only != workspace) || (subject.Deployment is { } own && own != id))
            throw ApiException.NotFound("Deployment", entity);
        return order with { Workspace = workspace, Deployment = id };
    }

    private static void RefuseMorePower(Subject subject, TokenOrder order)
    {
        var isWider = (subject.Workspace is not null && order.Workspace is null)
            || (subject.Deployment is not null && order.Deployment is null);
        if (isWider)
            throw Refused($"The token would reach further than the one that makes it: {order.Role.Scope()}.");
        if (Enum.GetValues<Permission>().Any(permission => order.Role.Allows(permission) && !subject.Role.Allows(permission)))
            throw Refused($"The role {order.Role.Name()} may do more than {subject.Role.Name()}, the role of the token that makes it.");
    }

    private static ApiException Refused(string why) => new(StatusCodes.Status403Forbidden, why);
}
