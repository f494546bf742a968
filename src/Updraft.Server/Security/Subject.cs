using Updraft.Protocol;

namespace Updraft.Server.Security;

/// <summary>What kind of caller a subject is; the first two are the contract's <c>subjectType</c>.</summary>
internal enum SubjectKind
{
    User,
    ServiceKey,
    Agent,
}

/// <summary>Who acts: a person, or the bearer of a token; and what it may do where.</summary>
/// <param name="Kind">Person, API token or agent.</param>
/// <param name="Id">The user's or token's id.</param>
/// <param name="Name">The user's or token's name.</param>
/// <param name="Organization">The Organization that it belongs to; nothing outside can be seen.</param>
/// <param name="Grants">Its roles and their places. None: it may nothing but ask who it is.</param>
internal sealed record Subject(SubjectKind Kind, string Id, string Name, OrganizationId Organization, IReadOnlyList<Grant> Grants)
{
    /// <summary>A person's own name; null for the others.</summary>
    public string? FullName { get; init; }

    /// <summary>What is remembered with everything that the subject creates or changes.</summary>
    public SubjectProfile Profile => new(Id, Kind, Name, FullName);

    /// <summary>The Deployment that an agent serves; null for everybody else.</summary>
    public DeploymentId? Deployment => Kind == SubjectKind.Agent ? Grants[0].DeploymentId : null;

    /// <summary>Whether a role gets it through the address of a place; the Organization's when none is named.</summary>
    public bool Touches(Permission permission, WorkspaceId? workspace = null, DeploymentId? deployment = null) =>
        Grants.Any(grant => grant.Touches(workspace, deployment) && grant.Role.Allows(permission));

    /// <summary>Whether it may do something to all of a place: the Organization, a Workspace, or a Deployment with its Workspace.</summary>
    public bool May(Permission permission, WorkspaceId? workspace = null, DeploymentId? deployment = null) =>
        Grants.Any(grant => grant.Contains(workspace, deployment) && grant.Role.Allows(permission));

    /// <summary>Whether everything that a grant allows is allowed to the subject in that place.</summary>
    public bool HasAll(Grant other) => Enum.GetValues<Permission>().All(permission =>
        !other.Role.Allows(permission) || May(permission, other.WorkspaceId, other.DeploymentId));

    /// <summary>Where it holds a permission.</summary>
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

    /// <summary>Minimal-API binding: the subject that authentication found.</summary>
    public static ValueTask<Subject?> BindAsync(HttpContext context) => ValueTask.FromResult(context.Features.Get<Subject>());
}

/// <summary>A subject as it is stored beside what it did; it outlives the token.</summary>
internal sealed record SubjectProfile(string Id, SubjectKind Kind, string Name, string? FullName = null);
