namespace Updraft.Server.Events;

/// <summary>
/// The types of events: what, and what became of it. They stand in the database and in webhooks, so a name never changes its meaning.
/// </summary>
internal static class EventTypes
{
    public const string DeployCreated = "deploy.created";

    /// <summary>It is what the Deployment is to run: by a finalize, or by deleting a bundle that was mounted.</summary>
    public const string DeployFinalized = "deploy.finalized";

    /// <summary>Every live agent runs it.</summary>
    public const string DeployActive = "deploy.active";

    /// <summary>What it deployed does not run.</summary>
    public const string DeployFailed = "deploy.failed";

    /// <summary>A new deploy went back to an earlier one, of all or of one bundle; the event's deploy is the new one.</summary>
    public const string DeployRolledBack = "deploy.rolled_back";

    /// <summary>Its description was changed.</summary>
    public const string DeployUpdated = "deploy.updated";

    public const string DeploymentCreated = "deployment.created";
    public const string DeploymentUpdated = "deployment.updated";
    public const string DeploymentDeleted = "deployment.deleted";

    /// <summary>A hibernation override was set.</summary>
    public const string HibernationOverridden = "deployment.hibernation_overridden";

    /// <summary>A hibernation override was removed.</summary>
    public const string HibernationResumed = "deployment.hibernation_resumed";

    public const string BundleCreated = "bundle.created";
    public const string BundleUpdated = "bundle.updated";
    public const string BundleDeleted = "bundle.deleted";

    public const string TokenCreated = "token.created";
    public const string TokenUpdated = "token.updated";

    /// <summary>Its roles were changed.</summary>
    public const string TokenRolesChanged = "token.roles_changed";

    public const string TokenRotated = "token.rotated";
    public const string TokenDeleted = "token.deleted";

    public const string AgentTokenCreated = "agent_token.created";
    public const string AgentTokenDeleted = "agent_token.deleted";

    /// <summary>An agent came with its agent token, for the first time or after a change of its host or component.</summary>
    public const string AgentEnrolled = "agent.enrolled";

    public const string WorkspaceCreated = "workspace.created";
    public const string WorkspaceUpdated = "workspace.updated";
    public const string WorkspaceDeleted = "workspace.deleted";

    public const string OrganizationCreated = "organization.created";
    public const string OrganizationUpdated = "organization.updated";

    /// <summary>Somebody signed in for the first time.</summary>
    public const string UserCreated = "user.created";

    public const string UserRolesChanged = "user.roles_changed";

    public const string SessionStarted = "session.started";
    public const string SessionEnded = "session.ended";

    public const string WebhookCreated = "webhook.created";
    public const string WebhookUpdated = "webhook.updated";

    /// <summary>It has a new secret.</summary>
    public const string WebhookRotated = "webhook.rotated";

    public const string WebhookDeleted = "webhook.deleted";

    /// <summary>The server has switched it off.</summary>
    public const string WebhookDisabled = "webhook.disabled";

    /// <summary>An event is sent once more, by hand.</summary>
    public const string WebhookRedelivered = "webhook.redelivered";

    /// <summary>A test is sent to it, and nowhere else.</summary>
    public const string WebhookTest = "webhook.test";

    /// <summary>Every type, in the order above.</summary>
    public static IReadOnlyList<string> All { get; } = [.. typeof(EventTypes).GetFields().Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!)];

    /// <summary>Whether webhooks tell of it.</summary>
    public static bool IsPublished(string type) => type is DeployCreated or DeployFinalized or DeployActive or DeployFailed or DeployRolledBack;
}
