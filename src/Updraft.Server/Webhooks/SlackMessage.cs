using System.Globalization;
using Updraft.Server.Api;

namespace Updraft.Server.Webhooks;

/// <summary>
/// A message for an incoming webhook of Slack. Texts of users are in plain-text elements, in which Slack creates no links and no mentions.
/// <c>&amp;</c>, <c>&lt;</c> and <c>&gt;</c> are escaped in all texts.
/// </summary>
/// <param name="Text">Text of the notification.</param>
/// <param name="Blocks">Content of the message.</param>
internal sealed record SlackMessage(string Text, IReadOnlyList<SlackBlock> Blocks)
{
    public static SlackMessage Of(WebhookPayload payload)
    {
        var data = payload.Data;
        var title = $"{Title(payload)}{(data.Deployment is { } deployment ? ": " + (deployment.Name ?? deployment.Id) : "")}";
        var blocks = new List<SlackBlock> { new("section") { Text = SlackText.Plain(title) } };
        if (data.Deploy is { } deploy)
        {
            if (Join(deploy.StatusReason, deploy.Description) is { Length: > 0 } text)
                blocks.Add(new("section") { Text = SlackText.Plain(text) });
            blocks.Add(new("section") { Fields = [.. Fields(payload, deploy)] });
        }
        else if (data.Message is { } message)
        {
            blocks.Add(new("section") { Text = SlackText.Plain(message) });
        }
        // The only text with a link. The server builds it.
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

    private static string Title(WebhookPayload payload) => payload.Type switch
    {
        WebhookEvents.Created => "Deploy created",
        WebhookEvents.Finalized => "Deploy finalized",
        WebhookEvents.Active => "Deploy active on all agents",
        WebhookEvents.Failed => "Deploy failed",
        WebhookEvents.RolledBack => "Rolled back",
        WebhookEvents.Test => "Test from Updraft",
        _ => payload.Type,
    };

    private static string Join(string? first, string? second) =>
        string.Join('\n', ((string?[])[first, second]).Where(text => !string.IsNullOrEmpty(text)));
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
    // Slack allows 2,000 characters in a field of a section. An escaped character has up to five.
    private const int MaxText = 1900 / 5;

    /// <summary>Whether Slack shows names such as <c>:tada:</c> as emoji; only for plain texts.</summary>
    public bool? Emoji { get; init; }

    /// <summary>Whether Slack creates no links for names and URLs in the text; only for marked-up texts.</summary>
    public bool? Verbatim { get; init; }

    /// <summary>A text without markup.</summary>
    public static SlackText Plain(string text) => new("plain_text", Escape(text)) { Emoji = false };

    /// <summary>A link that the server builds.</summary>
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
