using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Words that texts avoid, and the words to use for them.</summary>
/// <param name="Id">Name in the allow-list.</param>
/// <param name="Pattern">The words to avoid.</param>
/// <param name="Kinds">The kinds of text to which the rule applies.</param>
/// <param name="Suggestion">The words to use.</param>
/// <param name="Bad">A sentence that breaks the rule.</param>
/// <param name="Good">A sentence near the border that keeps it.</param>
internal sealed record ProseRule(string Id, Regex Pattern, ProseKinds Kinds, string Suggestion, string Bad, string Good)
{
    public IEnumerable<ProseHit> Find(ProseText text)
    {
        if ((text.Kind & Kinds) == ProseKinds.None)
            yield break;
        foreach (Match match in Pattern.Matches(text.Text))
            yield return new ProseHit(Id, text.File, text.LineAt(match.Index), $"'{match.Value.Trim()}': {Suggestion} [{Around(text.Text, match)}]");
    }

    private static string Around(string text, Match match)
    {
        var (start, end) = (Math.Max(0, match.Index - 25), Math.Min(text.Length, match.Index + match.Length + 15));
        return string.Join(' ', text[start..end].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}

/// <summary>The list of words to avoid.</summary>
internal static class ProseRules
{
    public static IReadOnlyList<ProseRule> All { get; } =
    [
        Rule("whoever", @"\bwho(m)?ever\b", "name the role: user, caller, operator, agent", "A token opens it for whoever has it.", "The user who has the token opens it."),
        Rule("nobody", @"\b(no|some|every)body\b", "name the role: user, caller, operator, agent", "Nobody reads it.", "No user reads the body."),
        Rule("anew", @"\banew\b", "again", "The agent begins anew.", "The agent starts a new download."),
        Rule("beside", @"\bbeside\b", "next to", "The agent runs beside Airflow.", "Besides, the agent runs next to Airflow."),
        Rule("folder", @"\b(sub)?folders?\b", "directory", "The data folder is locked.", "The setting dags_folder names the data directory."),
        Rule("believe", @"\bbeliev(e|es|ed|ing)\b", "trust, or verify", "The header is never believed.", "Updraft ignores the header."),
        Rule("hear", @"\bhear(s|d|ing)?\b", "receive", "The server hears of it.", "The agent sends a heartbeat."),
        Rule("give-up", @"\b(give|gives|gave|given|giving)( (it|them|this|that))? up\b", "abort, stop", "The revision is given up.", "The agent stops after one minute."),
        Rule("take-back", @"\b(take|takes|took|taken|taking)( (it|them|this|that))? back\b", "roll back", "The deploy is taken back.", "The server rolls the deploy back."),
        Rule("stranger", @"\bstrangers?\b", "unmanaged file", "A stranger stays where it is.", "An unmanaged file in a strange place stays."),
        Rule("sign-of-life", @"\bsigns? of life\b", "heartbeat", "The last sign of life was an hour ago.", "The last heartbeat was an hour ago."),
        Rule("spare-tree", @"\bspare trees?\b", "prebuilt tree", "The spare tree is ready.", "The prebuilt tree is ready."),
        Rule("the-pages", @"\bthe pages\b(?! (of|in|on|below|under|for|from|with)\b)", "the web UI", "The pages show it.", "The pages of the list have 50 rows."),
        Rule("address", @"(?<!\b(e-?mail|IP|IPv4|IPv6|listen|listening|network|private|public|loopback|link-local|local|bind|binding|source|client|remote|peer|host|socket|memory|multicast|unspecified|reserved|bound|wildcard|internal|metadata|server's IP)s?[\s-])\baddress(es)?\b(?! (range|space|family|block|book)s?\b)",
            "URL (e-mail, IP, listen, network, private and loopback addresses are fine)", "The address of the server is public.", "The email address and the IP address are hidden."),
        Rule("answer", @"\banswer(s|ed|ing)?\b", "response, respond", "The answer of the server is 409.", "The response of the server is 409."),
        Rule("come-in", @"\b(come|comes|came|coming) in\b(?! (order|pairs|handy|contact|from|through|two|three))", "sign in", "Users come in by single sign-on.", "Requests that come in through the proxy are logged."),
        Rule("he", @"\b(he|him|his|himself|she|her|hers)\b", "they, them, their", "A user sees his tokens.", "A user sees their tokens here."),
        Rule("meanwhile", @"\bmeanwhile\b", "in the meantime", "Meanwhile, the agent waits.", "In the meantime, the agent waits."),
        Rule("what-clause", @"\bwhat (is|was|are|were|it|they|the|a|an|no|has|had|runs|comes|did|does|this|that|you|each|every)\b(?![^.!?\v]*\?)", "a concrete noun", "The page lists what is deployed.", "What is deployed now? What next?"),
        Rule("is-to", @"(?<!\b(step|way|goal|aim|option|purpose|alternative|fix|first|choice|idea|task|best|rule|safest|easiest|simplest|next|default|remedy|solution|exception|one|workaround|job|intent) )\b(is|are|was|were) to (be|run|have|get|go|stay|become|show|hold|say|do|keep|follow|know|last|end|see|stand|go|let|make)\b",
            "must, or the desired state", "The Deployment is to run it.", "The next step is to run it."),
        Rule("of-yours", @"\bof (yours|theirs|mine|ours)\b|\bof (the|an?) \w+'s(?=\s*[.,;:)])", "your, or the agent's", "It runs a command of yours.", "It runs your command with the name of the agent's host."),
        Rule("predicate-first", @"(?<=^\W*|[.!?:;]\s+)(Kept|Left out|Anonymous|Allowed|Built|Sent|Read|Written|Shown|Refused|[A-Z][a-z]{2,}ed) (is|are|was|were)\b(?! not\b)", "begin with the subject", "Refused are private networks.", "Updraft rejects private networks.", RegexOptions.None),
        Rule("people", @"\b(people|persons?)\b", "user, operator", "People sign in here.", "Users sign in to their personal page."),
        Rule("news", @"\bnews\b", "notification", "There is no news.", "There is no newer notification."),
        Rule("several-servers", @"\bseveral servers\b|\btakes? the lead\b|\bthe lead\b", "replicas; leader", "Several servers share a database.", "Several replicas share a database; the leader cleans up."),
        Rule("other-than", @"\banother one than\b", "different from", "It is another one than before.", "It is different from the one before."),
        Rule("let-run", @"\b(let|lets|letting) (an|the|every|each|a|this|its)( \w+){0,3}? images?( \w+)? (run|runs)\b|\b(let|lets) (an|the|every|each) (new )?image\b", "roll out an image", "The agent lets the image run.", "The agent rolls out the image."),
        Rule("us-spelling", @"\b(behaviou?rs?(?<=our|ours)|colours?|favou?r(ed|s)?(?<=our|ours|oured)|(organ|recogn|initial|author|serial|normal|optim|synchron|custom|minim|maxim|final)is(e|es|ed|ing|ation|ations)|licence|centre|catalogues?|grey|whilst|amongst|artefacts?|enrol|enrols|enrolments?|fulfil|defence)\b",
            "US spelling", "Its behaviour at enrolment is normalised.", "Its behavior at enrollment is normalized and enrolled."),
    ];

    private static ProseRule Rule(string id, string pattern, string suggestion, string bad, string good, RegexOptions options = RegexOptions.IgnoreCase) =>
        new(id, new Regex(pattern, options | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.Compiled), ProseKinds.All, suggestion, bad, good);
}
