"use strict";

sortableTables();
themeSwitch();
errorExplorer();
tryIt();
clickableMatrices();
tabbedViews();
tableOfContents();
