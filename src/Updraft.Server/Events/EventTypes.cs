namespace Updraft.Server.Events;

/// <summary>
/// The types of events: kind of object and change. The database and webhooks contain them, so a type never changes its name or meaning.
/// </summary>
internal static class EventTypes
{
    public const string DeployCreated = "deploy.created";

    /// <summary>The deploy became the desired state, by a finalize or by the deletion of a mounted bundle.</summary>
    public const string DeployFinalized = "deploy.finalized";

    /// <summary>All live agents activated the deploy.</summary>
    public const string DeployActive = "deploy.active";

    /// <summary>The deploy's image did not become ready.</summary>
    public const string DeployFailed = "deploy.failed";

    /// <summary>A new deploy rolled back to an earlier one, or rolled back one bundle. The event has the new deploy.</summary>
    public const string DeployRolledBack = "deploy.rolled_back";

    /// <summary>The description was changed.</summary>
    public const string DeployUpdated = "deploy.updated";

    public const string DeploymentCreated = "deployment.created";
    public const string DeploymentUpdated = "deployment.updated";
    public const string DeploymentDeleted = "deployment.deleted";

    /// <summary>A request set a hibernation override.</summary>
    public const string HibernationOverridden = "deployment.hibernation_overridden";

    /// <summary>A request removed a hibernation override.</summary>
    public const string HibernationResumed = "deployment.hibernation_resumed";

    public const string BundleCreated = "bundle.created";
    public const string BundleUpdated = "bundle.updated";
    public const string BundleDeleted = "bundle.deleted";

    public const string TokenCreated = "token.created";
    public const string TokenUpdated = "token.updated";

    public const string TokenRolesChanged = "token.roles_changed";

    public const string TokenRotated = "token.rotated";
    public const string TokenDeleted = "token.deleted";

    public const string AgentTokenCreated = "agent_token.created";
    public const string AgentTokenDeleted = "agent_token.deleted";

    /// <summary>An agent enrolled with its agent token, for the first time or after a change of its host or component.</summary>
    public const string AgentEnrolled = "agent.enrolled";

    public const string WorkspaceCreated = "workspace.created";
    public const string WorkspaceUpdated = "workspace.updated";
    public const string WorkspaceDeleted = "workspace.deleted";

    public const string OrganizationCreated = "organization.created";
    public const string OrganizationUpdated = "organization.updated";

    /// <summary>A user signed in for the first time.</summary>
    public const string UserCreated = "user.created";

    public const string UserRolesChanged = "user.roles_changed";

    /// <summary>A user cannot sign in any longer. All their sessions and logins ended.</summary>
    public const string UserDeactivated = "user.deactivated";

    public const string UserActivated = "user.activated";

    /// <summary>A request ended all sessions and logins of a user.</summary>
    public const string UserSessionsEnded = "user.sessions_ended";

    public const string SessionStarted = "session.started";
    public const string SessionEnded = "session.ended";

    public const string WebhookCreated = "webhook.created";
    public const string WebhookUpdated = "webhook.updated";

    /// <summary>The webhook got a new secret.</summary>
    public const string WebhookRotated = "webhook.rotated";

    public const string WebhookDeleted = "webhook.deleted";

    /// <summary>The server disabled the webhook. If a user does it, the type is <see cref="WebhookUpdated"/>.</summary>
    public const string WebhookDisabled = "webhook.disabled";

    /// <summary>A request sent an event again.</summary>
    public const string WebhookRedelivered = "webhook.redelivered";

    /// <summary>A request sent a test event to one webhook. No other webhook gets it.</summary>
    public const string WebhookTest = "webhook.test";

    /// <summary>All types, in the order of their declaration.</summary>
    public static IReadOnlyList<string> All { get; } =
        [.. typeof(EventTypes).GetFields().Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!)];

    /// <summary>Whether webhooks send events of the type.</summary>
    public static bool IsPublished(string type) =>
        type is DeployCreated or DeployFinalized or DeployActive or DeployFailed or DeployRolledBack;
}
