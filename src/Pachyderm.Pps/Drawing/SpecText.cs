using System.Globalization;
using System.Text;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Drawing;

/// <summary>
/// Inputs and transforms as inspect-pipeline and inspect-job show them: JSON with the names of the contract, what is empty left out,
/// indented by two, and with Go's escapes (spec/cli.md section 3.2).
/// </summary>
public static class SpecText
{
    /// <summary>An input; <c>&lt;</c>, <c>&gt;</c> and <c>&amp;</c> are escaped.</summary>
    public static string Of(Input input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Write(ToFields(input), escapeAngles: true);
    }

    /// <summary>A transform; of <c>&lt;</c>, <c>&gt;</c> and <c>&amp;</c> only the last is escaped.</summary>
    public static string Of(Transform transform)
    {
        ArgumentNullException.ThrowIfNull(transform);
        return Write(
            new Fields
            {
                ["image"] = transform.Image,
                ["cmd"] = transform.Cmd,
                ["env"] = Fields.Of(transform.Env.Select(static variable => KeyValuePair.Create(variable.Key, (object)variable.Value))),
                ["secrets"] = transform.Secrets.Select(
                    static secret => new Fields { ["name"] = secret.Name, ["mount_path"] = secret.MountPath }).ToValueList(),
                ["image_pull_secrets"] = transform.ImagePullSecrets,
                ["stdin"] = transform.Stdin,
                ["accept_return_code"] = transform.AcceptReturnCode,
                ["debug"] = transform.Debug,
            },
            escapeAngles: false);
    }

    private static Fields ToFields(Input input) => input switch
    {
        AtomInput atom => new Fields
        {
            ["atom"] = new Fields
            {
                ["name"] = atom.Name,
                ["repo"] = atom.Repo,
                ["branch"] = atom.Branch,
                ["commit"] = atom.Commit,
                ["glob"] = atom.Glob,
                ["lazy"] = atom.Lazy,
                ["from_commit"] = atom.FromCommit,
            },
        },
        CronInput cron => new Fields
        {
            ["cron"] = new Fields
            {
                ["name"] = cron.Name,
                ["repo"] = cron.Repo,
                ["commit"] = cron.Commit,
                ["spec"] = cron.Spec,
                ["start"] = cron.Start is { } start ? Timestamp(start) : "",
            },
        },
        CrossInput cross => new Fields { ["cross"] = cross.Inputs.Select(ToFields).ToValueList() },
        UnionInput union => new Fields { ["union"] = union.Inputs.Select(ToFields).ToValueList() },
        _ => throw new ArgumentOutOfRangeException(nameof(input)),
    };

    // The message of a timestamp, which Go's encoder knows nothing special about.
    private static Fields Timestamp(DateTimeOffset time) => new()
    {
        ["seconds"] = time.ToUnixTimeSeconds(),
        ["nanos"] = time.UtcTicks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick,
    };

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
        private readonly List<KeyValuePair<string, object>> all = [];

        public IReadOnlyList<KeyValuePair<string, object>> Present => [.. all.Where(static pair => pair.Value switch
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
            set => all.Add(KeyValuePair.Create(name, value));
        }

        public static Fields Of(IEnumerable<KeyValuePair<string, object>> fields)
        {
            // Entries of a map are shown even when their value is empty.
            Fields result = new();
            result.all.AddRange(fields.Select(static field => KeyValuePair.Create(field.Key, (object)new Verbatim((string)field.Value))));
            return result;
        }

        public sealed record Verbatim(string Text);
    }
}
