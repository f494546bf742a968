using Updraft.Protocol;

namespace Updraft.Server.Security;

/// <summary>The kinds of callers. The first two are values of the contract's <c>subjectType</c>.</summary>
internal enum SubjectKind
{
    User,
    ServiceKey,
    Agent,
}

/// <summary>The caller of a request, with its roles.</summary>
/// <param name="Kind">User, API token or agent.</param>
/// <param name="Id">ID of the user or token.</param>
/// <param name="Name">Name of the user or token.</param>
/// <param name="Organization">The Organization of the subject. A subject reads nothing outside of it.</param>
/// <param name="Grants">Roles and their scopes. Without one, a subject can read only its own user or token.</param>
internal sealed record Subject(SubjectKind Kind, string Id, string Name, OrganizationId Organization, IReadOnlyList<Grant> Grants)
{
    /// <summary>Full name of a user; null for tokens.</summary>
    public string? FullName { get; init; }

    /// <summary>The part that is stored with each object that the subject creates or changes.</summary>
    public SubjectProfile Profile => new(Id, Kind, Name, FullName);

    /// <summary>The Deployment of an agent; null for other subjects.</summary>
    public DeploymentId? Deployment => Kind == SubjectKind.Agent ? Grants[0].DeploymentId : null;

    /// <summary>
    /// Whether a role with the permission reaches the URL of a scope. See <see cref="Grant.Touches"/>. The default is the
    /// Organization.
    /// </summary>
    public bool Touches(Permission permission, WorkspaceId? workspace = null, DeploymentId? deployment = null) =>
        Grants.Any(grant => grant.Touches(workspace, deployment) && grant.Role.Allows(permission));

    /// <summary>
    /// Whether the subject has the permission for a whole scope: the Organization, a Workspace, or a Deployment with its Workspace.
    /// </summary>
    public bool May(Permission permission, WorkspaceId? workspace = null, DeploymentId? deployment = null) =>
        Grants.Any(grant => grant.Contains(workspace, deployment) && grant.Role.Allows(permission));

    /// <summary>Whether the subject has all permissions of a grant in its scope.</summary>
    public bool HasAll(Grant other) => Enum.GetValues<Permission>().All(permission =>
        !other.Role.Allows(permission) || May(permission, other.WorkspaceId, other.DeploymentId));

    /// <summary>The scopes in which the subject holds a permission.</summary>
    public Reach Reach(Permission permission)
    {
        var held = Grants.Where(grant => grant.Role.Allows(permission)).ToList();
        var inDeployments = held.Where(grant => grant.DeploymentId is not null).ToList();
        return new Reach(
            held.Any(grant => grant.WorkspaceId is null),
            [.. held.Where(grant => grant.DeploymentId is null && grant.WorkspaceId is not null).Select(grant => grant.WorkspaceId!.Value)],
            [.. inDeployments.Select(grant => grant.DeploymentId!.Value)],
            [.. inDeployments.Select(grant => grant.WorkspaceId!.Value).Distinct()]);
    }

    /// <summary>Minimal-API binding: the subject of the request.</summary>
    public static ValueTask<Subject?> BindAsync(HttpContext context) => ValueTask.FromResult(context.Features.Get<Subject>());
}

/// <summary>A subject as it is stored with its changes. It remains when the token is deleted.</summary>
internal sealed record SubjectProfile(string Id, SubjectKind Kind, string Name, string? FullName = null);
