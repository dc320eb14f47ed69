using System.Globalization;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Pachyderm.Wire.Pps;

namespace Pachyderm.Pachctl.Pps;

/// <summary>
/// Inputs and transforms as inspect-pipeline and inspect-job show them: JSON with the names of the contract, what is empty left out,
/// indented by two, and with Go's escapes (spec/cli.md section 3.2).
/// </summary>
internal static class SpecText
{
    /// <summary>An input; <c>&lt;</c>, <c>&gt;</c> and <c>&amp;</c> are escaped.</summary>
    public static string Of(Input? input) => Write(ToFields(input ?? new Input()), escapeAngles: true);

    /// <summary>A transform; of <c>&lt;</c>, <c>&gt;</c> and <c>&amp;</c> only the last is escaped.</summary>
    public static string Of(Transform? transform) => Write(
        transform is null
            ? new Fields()
            : new Fields
            {
                ["image"] = transform.Image,
                ["cmd"] = transform.Cmd,
                ["env"] = Fields.OfMap(transform.Env),
                ["secrets"] = transform.Secrets.Select(
                    static secret => new Fields { ["name"] = secret.Name, ["mount_path"] = secret.MountPath }).ToArray(),
                ["image_pull_secrets"] = transform.ImagePullSecrets,
                ["stdin"] = transform.Stdin,
                ["accept_return_code"] = transform.AcceptReturnCode,
                ["debug"] = transform.Debug,
            },
        escapeAngles: false);

    private static Fields ToFields(Input input)
    {
        Fields fields = new();
        if (input.Atom is { } atom)
        {
            fields["atom"] = new Fields
            {
                ["name"] = atom.Name,
                ["repo"] = atom.Repo,
                ["branch"] = atom.Branch,
                ["commit"] = atom.Commit,
                ["glob"] = atom.Glob,
                ["lazy"] = atom.Lazy,
                ["from_commit"] = atom.FromCommit,
            };
        }

        fields["cross"] = input.Cross.Select(ToFields).ToArray();
        fields["union"] = input.Union.Select(ToFields).ToArray();
        if (input.Cron is { } cron)
        {
            fields["cron"] = new Fields
            {
                ["name"] = cron.Name,
                ["repo"] = cron.Repo,
                ["commit"] = cron.Commit,
                ["spec"] = cron.Spec,
                ["start"] = cron.Start is { } start ? ToFields(start) : "",
            };
        }

        return fields;
    }

    // The message of a timestamp, which Go's encoder knows nothing special about.
    private static Fields ToFields(Timestamp time) => new() { ["seconds"] = time.Seconds, ["nanos"] = (long)time.Nanos };

    private static string Write(Fields fields, bool escapeAngles)
    {
        StringBuilder text = new();
        WriteValue(fields, text, 0, escapeAngles);
        return text.ToString();
    }

    private static void WriteValue(object value, StringBuilder text, int depth, bool escapeAngles)
    {
        switch (value)
        {
            case Fields fields:
                WriteBlock('{', '}', fields.Present, text, depth, field =>
                {
                    WriteString(field.Key, text, escapeAngles);
                    text.Append(": ");
                    WriteValue(field.Value, text, depth + 1, escapeAngles);
                });
                break;
            case System.Collections.IEnumerable items and not string:
                WriteBlock('[', ']', [.. items.Cast<object>()], text, depth, item => WriteValue(item, text, depth + 1, escapeAngles));
                break;
            case string s:
                WriteString(s, text, escapeAngles);
                break;
            case Fields.Verbatim verbatim:
                WriteString(verbatim.Text, text, escapeAngles);
                break;
            case bool b:
                text.Append(b ? "true" : "false");
                break;
            default:
                text.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    private static void WriteBlock<T>(char open, char close, IReadOnlyList<T> items, StringBuilder text, int depth, Action<T> write)
    {
        text.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            text.Append(i == 0 ? "\n" : ",\n").Append(' ', 2 * (depth + 1));
            write(items[i]);
        }
        if (items.Count > 0)
        {
            text.Append('\n').Append(' ', 2 * depth);
        }
        text.Append(close);
    }

    private static void WriteString(string value, StringBuilder text, bool escapeAngles)
    {
        text.Append('"');
        foreach (Rune rune in value.EnumerateRunes())
        {
            string? escape = rune.Value switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '&' => "\\u0026",
                '<' => escapeAngles ? "\\u003c" : null,
                '>' => escapeAngles ? "\\u003e" : null,
                < ' ' or 0x2028 or 0x2029 => string.Create(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"),
                _ => null,
            };
            text.Append(escape ?? rune.ToString());
        }
        text.Append('"');
    }

    // Fields in order; the empty ones are left out, as the tag omitempty does.
    private sealed class Fields
    {
        private readonly List<KeyValuePair<string, object>> _all = [];

        public IReadOnlyList<KeyValuePair<string, object>> Present => [.. _all.Where(static pair => pair.Value switch
        {
            string s => s.Length > 0,
            bool b => b,
            long number => number != 0,
            Fields fields => fields.Present.Count > 0,
            System.Collections.IEnumerable items => items.Cast<object>().Any(),
            _ => true,
        })];

        public object this[string name]
        {
            set => _all.Add(KeyValuePair.Create(name, value));
        }

        // In byte order, as Go writes maps; entries are shown even when their value is empty.
        public static Fields OfMap(IEnumerable<KeyValuePair<string, string>> entries)
        {
            Fields result = new();
            result._all.AddRange(entries.OrderBy(static entry => entry.Key, StringComparer.Ordinal)
                .Select(static entry => KeyValuePair.Create(entry.Key, (object)new Verbatim(entry.Value))));
            return result;
        }

        public sealed record Verbatim(string Text);
    }
}
