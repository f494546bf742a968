using Updraft.Server.Api;
using Updraft.Server.Events;

namespace Updraft.Server.Webhooks;

/// <summary>The events that webhooks can send.</summary>
internal static class WebhookEvents
{
    /// <summary>The test event. All webhooks accept it, and users cannot select it.</summary>
    public const string Test = EventTypes.WebhookTest;

    public const string Created = EventTypes.DeployCreated, Finalized = EventTypes.DeployFinalized, Active = EventTypes.DeployActive,
        Failed = EventTypes.DeployFailed, RolledBack = EventTypes.DeployRolledBack;

    /// <summary>All event types that users can select, in the order in which they happen.</summary>
    public static IReadOnlyList<string> All { get; } = [Created, Finalized, Active, Failed, RolledBack];

    /// <summary>Checks the selected event types. Null selects all.</summary>
    /// <exception cref="ApiException">400: an unknown event type, or an empty list.</exception>
    public static IReadOnlyList<string> Check(IReadOnlyList<string>? chosen)
    {
        if (chosen is null)
            return All;
        foreach (var type in chosen)
            TextLimit.OneOf(type ?? "", "eventTypes", "", [.. All]);
        return chosen.Count > 0 ? [.. All.Where(type => chosen.Contains(type, StringComparer.Ordinal))]
            : throw ApiException.BadRequest($"'eventTypes' is empty. Select at least one of {string.Join(", ", All)}.");
    }
}
