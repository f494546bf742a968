using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Updraft.Server.Webhooks;

/// <summary>Delivery of events to webhooks.</summary>
internal sealed class WebhookOptions : IValidatableObject
{
    public const string Section = "Webhooks";

    private static readonly char[] Separators = [' ', ','];

    private Allowed? _allowed;

    /// <summary>
    /// Networks and hosts that webhooks may reach in addition to the public Internet. Webhooks to them may also use <c>http</c>.
    /// </summary>
    /// <value>networks such as <c>10.1.0.0/16</c>, IP addresses and host names, separated by spaces</value>
    public string? AllowedNetworks { get; set; }

    /// <summary>Maximum number of attempts for one delivery.</summary>
    [Range(1, 20)]
    public int MaxTries { get; set; } = 5;

    /// <summary>
    /// Maximum time from the first to the last attempt of a delivery. Each pause is four times as long as the previous one.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "7.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan RetryFor { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Maximum duration of one attempt, from the name lookup to the headers of the response.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the server keeps deliveries.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(30);

    /// <summary>The server disables a webhook if all deliveries fail for this time. <c>0</c> disables no webhook.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan DisableAfter { get; set; } = TimeSpan.FromDays(5);

    /// <summary>Maximum number of webhooks of one Workspace.</summary>
    [Range(1, 1000)]
    public int MaxPerWorkspace { get; set; } = 20;

    /// <summary>
    /// How long a replica claims a delivery. It is longer than one attempt, so that no other replica sends the delivery in the meantime.
    /// </summary>
    public TimeSpan Lease => (Timeout * 2) + TimeSpan.FromSeconds(5);

    /// <summary>Whether the operator listed the host name.</summary>
    public bool Allows(string host) => List().Hosts.Contains(host);

    /// <summary>Whether the operator listed a network that contains the IP address.</summary>
    public bool Allows(IPAddress address) => List().Networks.Exists(network => network.Contains(address));

    /// <summary>
    /// The pause before the next attempt; null after the last attempt. The pause is random by a fifth, so that deliveries that failed
    /// at the same time are not repeated at the same time.
    /// </summary>
    /// <param name="tries">Attempts so far, 1 or more.</param>
    /// <param name="share">A random number from 0 to 1.</param>
    public TimeSpan? PauseAfter(int tries, double share)
    {
        if (tries >= MaxTries)
            return null;
        var all = Enumerable.Range(0, MaxTries - 1).Sum(i => Math.Pow(4, i));
        return RetryFor * (Math.Pow(4, tries - 1) / all) * (0.8 + (0.2 * share));
    }

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var entry in Entries(AllowedNetworks))
        {
            if (!IPNetwork.TryParse(entry, out _) && !IPAddress.TryParse(entry, out _) && Uri.CheckHostName(entry) != UriHostNameType.Dns)
                yield return new ValidationResult($"Webhooks:AllowedNetworks has the entry '{entry}'. Write networks such as 10.1.0.0/16, "
                    + "IP addresses and host names, separated by spaces.");
        }
    }

    private Allowed List()
    {
        var known = _allowed;
        if (known is null || known.Text != AllowedNetworks)
            _allowed = known = Allowed.Read(AllowedNetworks);
        return known;
    }

    private static string[] Entries(string? text) => (text ?? "").Split(Separators, StringSplitOptions.RemoveEmptyEntries);

    private sealed record Allowed(string? Text, List<IPNetwork> Networks, HashSet<string> Hosts)
    {
        public static Allowed Read(string? text)
        {
            var allowed = new Allowed(text, [], new HashSet<string>(StringComparer.OrdinalIgnoreCase));
            foreach (var entry in Entries(text))
            {
                if (IPAddress.TryParse(entry, out var address))
                    allowed.Networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
                else if (IPNetwork.TryParse(entry, out var network))
                    allowed.Networks.Add(network);
                else
                    allowed.Hosts.Add(entry);
            }
            return allowed;
        }
    }
}
