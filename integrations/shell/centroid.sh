#!/bin/sh
# Nearest class mean, in awk: a model for bakeoff's family `command` in sixty lines (docs/command.md).
#   command = ["sh", "centroid.sh"]
#   format = "text"
# The answer is a softmax of the negative squared distances to the means, divided by the mean distance of
# the training images to their own class mean, so that it does not depend on the number of pixels.
set -eu
verb=$1 folder=$2
export LC_ALL=C

case $verb in
fit)
  # Twice through the training part: the means, then the spread around them.
  awk -F, -v classes="$BAKEOFF_CLASSES" '
    FNR == 1 { pass++ }
    pass == 1 { count[$1]++; for (i = 2; i <= NF; i++) sum[$1, i] += $i; next }
    FNR == 1 { for (key in sum) { split(key, at, SUBSEP); sum[key] /= count[at[1]] } }
    { for (i = 2; i <= NF; i++) { d = $i - sum[$1, i]; spread += d * d } }
    END {
      print spread / FNR + 1
      for (c = 0; c < classes; c++) if (c in count) {
        line = c
        for (i = 2; i <= NF; i++) line = line "," sum[c, i]
        print line
      }
    }' "$folder/train.csv" "$folder/train.csv" >"$folder/model/means.csv"
  ;;
predict)
  # One line for each request: how many images there are.
  while read -r images; do
    awk -F, -v classes="$BAKEOFF_CLASSES" '
      FILENAME != ARGV[2] && FNR == 1 { spread = $1; next }
      FILENAME != ARGV[2] { known[n++] = $1; for (i = 2; i <= NF; i++) mean[$1, i - 1] = $i; next }
      {
        best = -1
        for (k = 0; k < n; k++) {
          c = known[k]; d = 0
          for (i = 1; i <= NF; i++) { e = $i - mean[c, i]; d += e * e }
          distance[c] = d / spread
          if (best < 0 || distance[c] < best) best = distance[c]
        }
        total = 0
        for (c = 0; c < classes; c++) {
          p[c] = (c in distance) ? exp(-8 * (distance[c] - best)) : 0
          total += p[c]
        }
        line = p[0] / total
        for (c = 1; c < classes; c++) line = line " " p[c] / total
        print line
      }' "$folder/model/means.csv" "$folder/images.csv" >"$folder/answers.csv"
    echo done
  done
  ;;
esac
