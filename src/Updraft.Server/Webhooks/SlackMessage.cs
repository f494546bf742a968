using System.Globalization;
using Updraft.Server.Api;

namespace Updraft.Server.Webhooks;

/// <summary>
/// A message for an incoming webhook of Slack. What people wrote is shown and nothing else: it stands in plain texts, where Slack looks for no
/// links and no mentions, and <c>&amp;</c>, <c>&lt;</c> and <c>&gt;</c> are escaped everywhere.
/// </summary>
/// <param name="Text">For notifications.</param>
/// <param name="Blocks">What is shown.</param>
internal sealed record SlackMessage(string Text, IReadOnlyList<SlackBlock> Blocks)
{
    /// <summary>The message of an event.</summary>
    public static SlackMessage Of(WebhookPayload payload)
    {
        var data = payload.Data;
        var title = $"{Words(payload)}{(data.Deployment is { } deployment ? ": " + (deployment.Name ?? deployment.Id) : "")}";
        var blocks = new List<SlackBlock> { new("section") { Text = SlackText.Plain(title) } };
        if (data.Deploy is { } deploy)
        {
            if (Join(deploy.StatusReason, deploy.Description) is { Length: > 0 } words)
                blocks.Add(new("section") { Text = SlackText.Plain(words) });
            blocks.Add(new("section") { Fields = [.. Fields(payload, deploy)] });
        }
        else if (data.Message is { } message)
        {
            blocks.Add(new("section") { Text = SlackText.Plain(message) });
        }
        // The one text with a link in it is the server's own.
        if (data.Links is { } links)
            blocks.Add(new("context") { Elements = [SlackText.Link(links.Deploy, "Open the deploy")] });
        return new SlackMessage(SlackText.Escape(title), blocks);
    }

    private static IEnumerable<SlackText> Fields(WebhookPayload payload, WebhookDeploy deploy)
    {
        var data = payload.Data;
        yield return SlackText.Plain($"By: {data.By.FullName ?? data.By.ApiTokenName ?? data.By.Username}");
        yield return SlackText.Plain($"Workspace: {data.Workspace.Name ?? data.Workspace.Id}");
        yield return SlackText.Plain(deploy.Revision is { } revision
            ? string.Create(CultureInfo.InvariantCulture, $"{deploy.Type}, revision {revision}") : deploy.Type);
        if (data.Git is { } git)
            yield return SlackText.Plain($"Commit: {git.CommitSha}{(git.Branch is null ? "" : $" on {git.Branch}")}");
        if (data.Image is { Tag.Length: > 0 } image)
            yield return SlackText.Plain($"Image: {image.Tag}");
    }

    private static string Words(WebhookPayload payload) => payload.Type switch
    {
        WebhookEvents.Created => "Deploy created",
        WebhookEvents.Finalized => "Deploy finalized",
        WebhookEvents.Active => "Deploy active on all agents",
        WebhookEvents.Failed => "Deploy failed",
        WebhookEvents.RolledBack => "Rolled back",
        WebhookEvents.Test => "Test from Updraft",
        _ => payload.Type,
    };

    private static string Join(string? first, string? second) => string.Join('\n', ((string?[])[first, second]).Where(text => !string.IsNullOrEmpty(text)));
}

/// <summary>A block of a message.</summary>
internal sealed record SlackBlock(string Type)
{
    public SlackText? Text { get; init; }

    public IReadOnlyList<SlackText>? Fields { get; init; }

    public IReadOnlyList<SlackText>? Elements { get; init; }
}

/// <summary>A text of a message.</summary>
internal sealed record SlackText(string Type, string Text)
{
    // Slack refuses more in a field of a section; escaped a character has up to five.
    private const int MaxText = 1900 / 5;

    /// <summary>Whether short names such as <c>:tada:</c> become pictures; plain texts only.</summary>
    public bool? Emoji { get; init; }

    /// <summary>Whether Slack leaves names and addresses alone that it finds; marked-up texts only.</summary>
    public bool? Verbatim { get; init; }

    /// <summary>Anything, as it is.</summary>
    public static SlackText Plain(string text) => new("plain_text", Escape(text)) { Emoji = false };

    /// <summary>A link of the server's own.</summary>
    public static SlackText Link(string url, string label) => new("mrkdwn", $"<{Escape(url)}|{label}>") { Verbatim = true };

    public static string Escape(string text) => Shorten(text).Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);

    private static string Shorten(string text)
    {
        if (TextLimit.CodePoints(text) <= MaxText)
            return text;
        return string.Concat(text.EnumerateRunes().Take(MaxText - 1)) + "…";
    }
}
